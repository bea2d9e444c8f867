//! `Check` and `Plan`: what a Create or an Update with the given properties would find and do.

use super::context::FirstAid;
use super::report::{DnsReport, DryRunReport, UNCERTAIN};
use super::request::Proposal;
use crate::aws::api::Aws;
use crate::binding::{self, BindingError, Desired, Hints, LastSuccess, Step};
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::Tags;
use crate::properties::TargetProperties;
use crate::record::{Record, RuleEvent, StackReader, Store};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Networks, each with the length of its prefix, whose addresses AWS takes as targets wherever they are. Other addresses
/// must be in the target group's VPC (ELBv2 API, `RegisterTargets`).
const PRIVATE_NETWORKS: [(u32, u32); 4] = [
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0xac10_0000, 12),
    (0xc0a8_0000, 16),
];

impl<A: Aws, D: Dns> FirstAid<'_, A, D> {
    /// Does everything that a request does before it changes something. `plans` asks for the steps as well.
    pub(super) async fn dry_run(&self, proposal: &Proposal, plans: bool) -> DryRunReport {
        let id = proposal.id();
        let read = Desired::read(
            &proposal.properties,
            id.clone(),
            self.region,
            self.function_arn,
            self.state_bucket,
        );
        let outcome = match read {
            Ok(desired) => self.check_desired(proposal, desired, plans).await,
            Err(problems) => Ok(DryRunReport {
                findings: problems.iter().map(ToString::to_string).collect(),
                ..DryRunReport::default()
            }),
        };
        let mut report = outcome.unwrap_or_else(|error| DryRunReport {
            verdict: format!("cannot be told: {}", chain(&error)),
            ..DryRunReport::default()
        });
        if report.verdict.is_empty() {
            report.verdict = verdict(&report);
        }
        report.physical_resource_id = proposal.names_a_binding().then(|| id.to_string());
        report
    }

    /// The report without the id, and without the verdict that follows from findings and steps.
    async fn check_desired(
        &self,
        proposal: &Proposal,
        mut desired: Desired,
        plans: bool,
    ) -> Result<DryRunReport, BindingError> {
        let Self { aws, .. } = *self;
        let store = Store::new(aws, desired.id.to_string());
        let (located, rule) = binding::find_record(aws, &store, &desired).await?;
        if let Some(unreadable) = located.unreadable {
            return Err(unreadable.why.into());
        }
        let mut report = DryRunReport::default();
        let event = RuleEvent::of_rule(rule.as_ref());
        if event.is_some_and(|event| located.is_lost(&event)) {
            let warning = "the record is lost; an Update, or the next tick, first makes it anew";
            report.warnings.push(warning.to_owned());
        }
        let former = proposal
            .binding
            .as_ref()
            .filter(|former| **former != desired.id);
        if let Some(former) = former {
            report.warnings.push(format!(
                "an Update makes this binding in the place of {former}, which CloudFormation deletes afterwards"
            ));
        }
        let record = located.record_or_rebuilt();
        if let Some(verdict) = other_nlb(proposal, record) {
            report.verdict = verdict;
            return Ok(report);
        }
        if let Some(under_way) = record.and_then(|record| record.open_claim(self.clock.now())) {
            let (kind, at) = (under_way.kind, under_way.at.rfc3339());
            let warning =
                format!("a request of CloudFormation, {kind:?}, has been under way since {at}");
            report.warnings.push(warning);
        }
        if let Some(properties) = record.and_then(|record| record.properties.as_ref()) {
            desired.former = Hints::read(properties, self.region);
        }
        let tags = self.stack_tags(proposal).await;
        let observed = binding::observe(aws, &desired, &located, tags, rule).await?;
        let served = record.filter(|record| record.is_serving());
        let last_success = served.and_then(|record| desired.last_success(record, false));
        let last_success = last_success
            .as_ref()
            .map(|(properties, orders)| LastSuccess { properties, orders });
        let (checked, findings) = match binding::check(&desired, last_success, &observed) {
            Ok((checked, known)) => {
                let known = known.iter().map(str::to_owned);
                let as_warning = |finding| format!("{finding} (the binding stands all the same)");
                report.warnings.extend(known.map(as_warning));
                (Some(checked), Vec::new())
            }
            Err(findings) => {
                let (findings, passing) = findings.split_provisioning();
                report.warnings.extend(passing.iter().map(str::to_owned));
                (None, findings.iter().map(str::to_owned).collect())
            }
        };
        report.findings = findings;
        let dns_name = match &desired.properties.target {
            TargetProperties::DnsName { dns_name, .. } => Some(dns_name),
            TargetProperties::Alb { .. } => observed.alb.as_ref().map(|alb| &alb.dns_name),
        };
        if let Some(dns_name) = dns_name {
            let known = record.map(|record| record.current_addresses_of(dns_name));
            let known = known.unwrap_or_default();
            self.add_dns(&mut report, &desired, dns_name, known).await;
        }
        if checked.is_none() && report.findings.is_empty() {
            report.verdict =
                "a request would wait for what is being made; ask again when it is".to_owned();
        }
        if plans {
            let steps = checked.map(|checked| binding::plan(&desired, &checked).steps);
            let changes_nothing = |steps: &Vec<Step>| steps.iter().all(Step::is_in_every_plan);
            let nothing = steps.as_ref().is_some_and(changes_nothing);
            if nothing && report.findings.is_empty() {
                report.verdict =
                    "nothing is to be done but to register what is in DNS and not registered yet"
                        .to_owned();
            }
            let steps = steps.unwrap_or_default();
            report.steps = Some(steps.iter().map(ToString::to_string).collect());
        }
        Ok(report)
    }

    /// Adds what the first sync of a request would find in DNS.
    async fn add_dns(
        &self,
        report: &mut DryRunReport,
        desired: &Desired,
        dns_name: &str,
        known: BTreeSet<IpAddr>,
    ) {
        let properties = &desired.properties;
        let (servers, most) = (&properties.dns_servers, properties.max_lookups);
        let found = match self.discover(dns_name, servers, most, known).await {
            Ok(found) => found,
            Err(error) => {
                let finding =
                    format!("{error}; a request waits for an address until its time is over");
                return report.findings.push(finding);
            }
        };
        if !found.certain {
            report.warnings.push(UNCERTAIN.to_owned());
        }
        let public = found
            .addresses
            .iter()
            .filter(|address| !is_private(address));
        report.warnings.extend(public.map(|address| {
            format!("AWS takes {address} as a target only where it is in the NLB's VPC, for it is no private address")
        }));
        report.dns = Some(DnsReport::new(dns_name, &found));
    }

    /// The tags of the stack, if the question names one.
    async fn stack_tags(&self, proposal: &Proposal) -> Tags {
        let Some((stack_id, logical_id)) = &proposal.resource else {
            return Tags::new();
        };
        let stack_reader = StackReader {
            aws: self.aws,
            stack_id,
            logical_id,
        };
        let stack = stack_reader.stack().await;
        stack.map(|stack| stack.tags).unwrap_or_default()
    }
}

/// The verdict if another NLB is given than the binding's own. A request would make another binding then, whose id
/// follows from the stack and the resource.
fn other_nlb(proposal: &Proposal, record: Option<&Record>) -> Option<String> {
    let orders = record?.orders.as_ref()?;
    let is_same = proposal.resource.is_some() || proposal.nlb_arn() == Some(&orders.nlb_arn);
    (!is_same).then(|| {
        format!(
            "NlbArn is another one than the binding's, which is {}: an Update makes a new binding in its place; give \
             StackId and LogicalResourceId to see what of",
            orders.nlb_arn
        )
    })
}

fn verdict(report: &DryRunReport) -> String {
    match (report.findings.len(), &report.steps) {
        (0, None) => "all checks pass".to_owned(),
        (0, Some(steps)) => format!("all checks pass; {} steps are to be done", steps.len()),
        (1, _) => "a request would fail, for what is found".to_owned(),
        (findings, _) => format!("a request would fail, for {findings} findings"),
    }
}

fn is_private(address: &IpAddr) -> bool {
    let IpAddr::V4(address) = address else {
        return false;
    };
    let bits = address.to_bits();
    PRIVATE_NETWORKS
        .iter()
        .any(|(network, length)| (bits ^ network) >> (32 - length) == 0)
}
