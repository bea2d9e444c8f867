//! What is shown, one step after the other: a binding from its first stack to the last trace of it, through
//! CloudFormation and EventBridge. Anything that is not as it should be ends it with an error that says what.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudformation::Client;
use lab::{Alb, AlbSpec, Lab, Nlb, NlbSpec, Vpc, ZONES, stack};
use serde_json::Value;

use crate::console::{Console, few};
use crate::fixture::{self, allowed, leftovers, targets, tick_that, ticks};

const STACK_NAME: &str = "orders";

/// How long EventBridge's minutes last in the demo.
const SHORT_MINUTE: Duration = Duration::from_secs(6);

struct Demo<'a> {
    lab: &'a Lab,
    console: &'a Console,
    client: Client,
    template: String,
    vpc: Vpc,
    nlb: Nlb,
}

/// Plays the whole demo with a binary, or with a zip of one.
pub async fn play(console: &Console, binary: &Path) -> Result<()> {
    console.heading("An AWS of its own starts: CloudFormation, ELB, EventBridge, S3, Lambda, DNS");
    let lab = &console
        .wait("starting", Lab::start_with_minutes_of(SHORT_MINUTE))
        .await?;
    let minute = SHORT_MINUTE.as_secs();
    console.line(&format!(
        "EventBridge's minutes last {minute} seconds here; nothing else is quicker"
    ));

    console.heading("aws cloudformation deploy cfn/provider.yaml");
    let client = Client::new(&lab.aws());
    console
        .wait("deploying", fixture::deploy(lab, &client, binary))
        .await?;
    console.line("the function is there");

    let vpc = lab.vpc().await?;
    let demo = Demo {
        lab,
        console,
        template: stack::template("binding.yaml")?,
        nlb: lab.nlb(&vpc, &NlbSpec::new("front")).await?,
        vpc,
        client,
    };
    demo.refuse_a_wrong_zone().await?;
    let orders = lab.alb(&demo.vpc, &AlbSpec::new("orders")).await?;
    let group = demo.bind(&orders).await?;
    demo.scale_out(&orders, &group).await?;
    demo.scale_in(&orders, &group).await?;
    demo.change_the_alb(&group).await?;
    demo.delete().await?;
    demo.close().await
}

impl Demo<'_> {
    async fn refuse_a_wrong_zone(&self) -> Result<()> {
        self.console
            .heading("A stack whose ALB is in a zone that the NLB lacks");
        let mut spec = AlbSpec::new("elsewhere");
        spec.zones = vec![ZONES[0], ZONES[2]];
        let alb = self.lab.alb(&self.vpc, &spec).await?;
        let parameters = self.parameters(&alb);
        let made = stack::create(&self.client, "wrong", &self.template, &parameters);
        let made = self.console.wait("creating", made).await?;
        let reason = made.failures.join(" ");
        self.console.line(&format!("{}:", made.status));
        for sentence in reason.split("; ") {
            self.console.line(&format!("  {sentence}"));
        }
        ensure!(
            made.status.starts_with("ROLLBACK_"),
            "it must fail: {made:?}"
        );
        for expected in [
            "the ALB elsewhere is in us-east-1a, us-east-1c",
            "the NLB front in us-east-1a, us-east-1b",
        ] {
            ensure!(reason.contains(expected), "{expected:?} is not in {reason}");
        }
        let left = leftovers(self.lab, &self.nlb.arn).await?;
        ensure!(left.is_empty(), "a refused binding left {left:?}");
        self.console.line("and it left nothing behind");
        let deleted = stack::delete(&self.client, "wrong").await?;
        deleted.expect("DELETE_COMPLETE")?;
        Ok(())
    }

    async fn bind(&self, alb: &Alb) -> Result<String> {
        self.console
            .heading("aws cloudformation deploy cfn/binding.yaml, the ALB having 3 addresses");
        self.lab.dns().set("orders", alb.addresses(3));
        let parameters = self.parameters(alb);
        let made = stack::create(&self.client, STACK_NAME, &self.template, &parameters);
        let made = self
            .console
            .wait("creating", made)
            .await?
            .expect("CREATE_COMPLETE")?;
        let group = made.output("TargetGroupArn")?.to_owned();
        self.console.line("CREATE_COMPLETE");
        self.show(&alb.addresses(3), &group);
        self.check(&alb.addresses(3), &group)?;
        Ok(group)
    }

    async fn scale_out(&self, alb: &Alb, group: &str) -> Result<()> {
        self.console
            .heading("The ALB scales out to 24 addresses; EventBridge fires the rule");
        let seen = ticks(self.lab).await?.len();
        self.lab.dns().set("orders", alb.addresses(24));
        let all = |tick: &Value| list(tick, "addresses").len() == 24;
        let fired = tick_that(self.lab, seen, all);
        let (_, tick) = self.console.wait("the next minute", fired).await?;
        self.console.line(&format!(
            "seen in the log: {} added after {} lookups, certain: {}",
            list(&tick, "added").len(),
            tick["lookups"],
            tick["certain"]
        ));
        self.settle(&alb.addresses(24), group).await?;
        self.show(&alb.addresses(24), group);
        Ok(())
    }

    async fn scale_in(&self, alb: &Alb, group: &str) -> Result<()> {
        self.console.heading(
            "The ALB scales in to 5 addresses; a missing one leaves at its third missed tick",
        );
        let mut seen = ticks(self.lab).await?.len();
        self.lab.dns().set("orders", alb.addresses(5));
        for missed in 1..=2 {
            let pending = |tick: &Value| {
                let pending = tick["pending"].as_object();
                pending.is_some_and(|pending| {
                    pending.len() == 19 && pending.values().all(|ticks| *ticks == missed)
                })
            };
            let fired = tick_that(self.lab, seen, pending);
            let (index, _) = self.console.wait("the next minute", fired).await?;
            ensure!(index == seen + 1, "tick {missed} was not the one expected");
            seen = index;
            let left = targets(self.lab, group);
            self.console.line(&format!(
                "missed {missed}: {} addresses in DNS, {} targets",
                5,
                left.len()
            ));
            ensure!(
                left.len() == 24,
                "{} targets left too early",
                24 - left.len()
            );
        }
        let removed = |tick: &Value| list(tick, "removed").len() == 19;
        let fired = tick_that(self.lab, seen, removed);
        let (index, _) = self.console.wait("the next minute", fired).await?;
        ensure!(index == seen + 1, "the third tick was not the one expected");
        self.settle(&alb.addresses(5), group).await?;
        self.console.line("missed 3:");
        self.show(&alb.addresses(5), group);
        Ok(())
    }

    async fn change_the_alb(&self, group: &str) -> Result<()> {
        self.console
            .heading("The stack is updated to a second ALB with 4 addresses");
        let next = self.lab.alb(&self.vpc, &AlbSpec::new("next")).await?;
        let addresses = next.addresses_after(100, 4);
        self.lab.dns().set("next", addresses.clone());
        let parameters = self.parameters(&next);
        let update = stack::update(&self.client, STACK_NAME, &self.template, &parameters);
        let updated = self.console.wait("updating", update).await?;
        let after = targets(self.lab, group);
        updated.expect("UPDATE_COMPLETE")?;
        self.console.line("UPDATE_COMPLETE, and at that moment:");
        self.show(&addresses, group);
        for address in &addresses {
            let target = format!("{address}:80");
            ensure!(
                after.contains(&target),
                "{target} came after the update ended: {after:?}"
            );
        }
        self.console
            .line("the old ALB's addresses follow by the usual count");
        let gone = async {
            loop {
                if targets(self.lab, group).len() == addresses.len() {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let gone = tokio::time::timeout(SHORT_MINUTE * 10, gone);
        let gone = async { gone.await.context("the old ALB's addresses stay")? };
        self.console.wait("three more minutes", gone).await?;
        self.check(&addresses, group)?;
        self.show(&addresses, group);
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        self.console.heading("aws cloudformation delete-stack");
        let deleted = stack::delete(&self.client, STACK_NAME);
        let deleted = self.console.wait("deleting", deleted).await?;
        deleted.expect("DELETE_COMPLETE")?;
        let left = leftovers(self.lab, &self.nlb.arn).await?;
        ensure!(left.is_empty(), "the binding left {left:?}");
        self.console
            .line("no bucket, rule, target group or listener is left");
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        self.console.heading("The function goes too");
        let deleted = stack::delete(&self.client, fixture::PROVIDER_STACK);
        let deleted = self.console.wait("deleting", deleted).await?;
        deleted.expect("DELETE_COMPLETE")?;
        let left = leftovers(self.lab, &self.nlb.arn).await?;
        ensure!(left.is_empty(), "the demo left {left:?}");
        let count = allowed(self.lab)?;
        self.console
            .line(&format!("its role allows all {count} things it asked for"));
        self.console.heading("All is as it should be");
        Ok(())
    }

    fn parameters<'a>(&'a self, alb: &'a Alb) -> [(&'a str, &'a str); 2] {
        [("AlbArn", &alb.arn), ("NlbArn", &self.nlb.arn)]
    }

    fn show(&self, addresses: &[Ipv4Addr], group: &str) {
        let in_dns: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let all = self.lab.targets(group).len();
        let registered = targets(self.lab, group);
        self.console.table(&[
            ("addresses in DNS", few(&in_dns)),
            ("targets of the NLB", few(&registered)),
            ("draining", format!("{:3}", all - registered.len())),
        ]);
    }

    /// A tick logs before it registers, so its targets come a moment after its line.
    async fn settle(&self, addresses: &[Ipv4Addr], group: &str) -> Result<()> {
        let settled = async {
            while self.check(addresses, group).is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // This is less than a minute, so that no later tick can mend what this one left undone.
        if tokio::time::timeout(SHORT_MINUTE / 2, settled)
            .await
            .is_err()
        {
            self.check(addresses, group)?;
        }
        Ok(())
    }

    /// The targets must be the addresses, no more and no fewer.
    fn check(&self, addresses: &[Ipv4Addr], group: &str) -> Result<()> {
        let mut wanted: Vec<_> = addresses
            .iter()
            .map(|address| format!("{address}:80"))
            .collect();
        let mut found = targets(self.lab, group);
        wanted.sort_unstable();
        found.sort_unstable();
        ensure!(
            wanted == found,
            "the targets should be {wanted:?}, but are {found:?}"
        );
        Ok(())
    }
}

fn list<'a>(tick: &'a Value, name: &str) -> &'a [Value] {
    tick[name].as_array().map(Vec::as_slice).unwrap_or_default()
}
