//! What is wrong with a binding, and what to do about it: from what was seen to sentences. Pure.

use super::sight::{RecordSight, Sight};
use crate::binding::{Chain, Step};
use crate::discovery::Found;
use crate::model::{Endpoint, HealthState, TargetGroupPort, TargetHealth};
use crate::record::{Phase, RULE_TARGET, RuleEvent, Status};
use std::collections::{BTreeMap, BTreeSet};

/// CloudFormation sends an Update only where a property changes.
const BY_UPDATE: &str = "an Update of the stack puts it right, with a change of any property, such as 51 for \
                         MaxLookupsPerInvocation";

/// How many targets are named before it is only said how many there are.
const NAMED: usize = 5;

/// What is wrong, the most basic first.
pub(super) fn problems(sight: &Sight) -> Vec<String> {
    if let Some(nothing) = nothing(sight) {
        return vec![nothing];
    }
    let mut problems = Vec::new();
    problems.extend(of_record(sight));
    problems.extend(of_request(sight));
    if !sight.is_leaving() {
        problems.extend(of_rule(sight));
        problems.extend(of_wiring(sight));
        problems.extend(of_last_tick(sight));
        problems.extend(of_dns(sight));
        problems.extend(of_targets(sight));
    }
    problems
}

/// What is worth knowing and not wrong.
pub(super) fn notes(sight: &Sight) -> Vec<String> {
    let mut notes = Vec::new();
    let record = sight.record.record();
    if let Some(claim) = record.and_then(|record| record.open_claim(sight.now)) {
        let (kind, at) = (claim.kind, claim.at.rfc3339());
        notes.push(format!(
            "{kind:?} has been under way since {at}: ticks register meanwhile, and count nothing"
        ));
    }
    if let Some(Ok(found)) = &sight.dns {
        if found.is_cached {
            notes.push(
                "the DNS servers repeat themselves as a cache does, so addresses leave later than they might; name \
                 DnsServers that do not cache"
                    .to_owned(),
            );
        } else if !found.certain {
            notes.push(super::rehearsal::UNCERTAIN.to_owned());
        }
    }
    for (arn, targets) in sight.in_dns() {
        let new = named(targets, |target| target.state == HealthState::Initial);
        if !new.is_empty() {
            let new = told(&new);
            notes.push(format!(
                "{new} in {arn} have just been registered and are being checked"
            ));
        }
    }
    notes
}

/// One sentence.
pub(super) fn verdict(sight: &Sight, problems: &[String]) -> String {
    match problems {
        [] => {}
        [problem] => return problem.clone(),
        problems => {
            return format!(
                "{} things are wrong: {}",
                problems.len(),
                problems.join("; ")
            );
        }
    }
    let found = sight.dns.as_ref().and_then(|dns| dns.as_ref().ok());
    let addresses = found.map_or(0, |found| found.addresses.len());
    let groups = sight.groups.len();
    let schedule = sight.rule.as_ref().map(|rule| rule.schedule.as_str());
    format!(
        "well: each address in DNS ({addresses}) is registered in each target group ({groups}) and none is unhealthy; \
         the rule calls the function by {}",
        schedule.unwrap_or_default()
    )
}

impl Sight {
    fn is_leaving(&self) -> bool {
        let record = self.record.record();
        record.is_some_and(|record| record.phase == Phase::Leaving)
    }

    /// The ports that a group is served with.
    fn ports(&self, arn: &str) -> BTreeSet<u16> {
        let orders = self.orders.iter();
        let groups = orders.flat_map(|orders| &orders.target_groups);
        let groups = groups.filter(|group: &&TargetGroupPort| group.arn == arn);
        groups.map(|group| group.port).collect()
    }

    fn found(&self) -> Option<&Found> {
        self.dns.as_ref()?.as_ref().ok()
    }

    /// The targets of each group that are in DNS now: others are somebody else's, or about to leave.
    fn in_dns(&self) -> BTreeMap<&str, Vec<&TargetHealth>> {
        let Some(found) = self.found() else {
            return BTreeMap::new();
        };
        let groups = self.groups.iter();
        let groups = groups.filter_map(|(arn, targets)| {
            let targets = targets.as_ref().ok()?.as_ref()?;
            let ports = self.ports(arn);
            let is_wanted = |target: &&TargetHealth| {
                let Endpoint { address, port } = target.endpoint;
                ports.contains(&port) && found.addresses.contains(&address)
            };
            Some((arn.as_str(), targets.iter().filter(is_wanted).collect()))
        });
        groups.collect()
    }
}

fn nothing(sight: &Sight) -> Option<String> {
    let RecordSight::Gone { buckets } = &sight.record else {
        return None;
    };
    if sight.rule.is_some() {
        return None;
    }
    let (id, buckets) = (&sight.id, buckets.join(", "));
    Some(match sight.leftovers.as_slice() {
        [] => format!(
            "there is no binding {id} in this account and Region: no rule, no record in {buckets}, and no target group"
        ),
        leftovers => format!(
            "rule and record of {id} are gone, and so nothing keeps its targets; there are still {}: delete the \
             resource, or {BY_UPDATE}",
            leftovers.join(", ")
        ),
    })
}

fn of_record(sight: &Sight) -> Option<String> {
    let has_copy = sight
        .event
        .as_ref()
        .is_some_and(|event| event.orders.is_some());
    match &sight.record {
        RecordSight::There { .. } => None,
        RecordSight::Gone { buckets } => {
            let way = match has_copy {
                true => {
                    "the next tick makes it anew by the rule's copy of the orders, where the bucket is still there"
                }
                false => BY_UPDATE,
            };
            Some(format!(
                "the record is gone from {}: {way}",
                buckets.join(", ")
            ))
        }
        RecordSight::Unreadable { why } => Some(format!(
            "the record cannot be read, so ticks fail and change nothing ({why}): put a former version of the object \
             back, or delete the object, and it is made anew by the rule's copy of the orders"
        )),
    }
}

fn of_request(sight: &Sight) -> Option<String> {
    let record = sight.record.record()?;
    if record.open_claim(sight.now).is_some() {
        return None;
    }
    let outcome = record.claim.as_ref()?.outcome.as_ref();
    let answer = outcome.map(|outcome| &outcome.answer);
    let failed = answer.filter(|answer| answer.status == Status::Failed);
    let why = match (failed, answer) {
        (Some(failed), _) => format!("it failed: {}", failed.reason),
        (None, None) => "it was never answered".to_owned(),
        (None, Some(_)) => "it succeeded".to_owned(),
    };
    match record.phase {
        Phase::Serving => None,
        Phase::Making => Some(format!(
            "no request has had a success yet, so ticks do nothing; the last one, {}: mend that, and create it again",
            why
        )),
        Phase::Leaving => Some(format!(
            "a Delete has begun, so ticks do nothing; {why}: mend that, and delete the stack again"
        )),
    }
}

fn of_rule(sight: &Sight) -> Option<String> {
    let id = &sight.id;
    let Some(rule) = &sight.rule else {
        return Some(format!(
            "the rule {id} is gone, so no tick comes: {BY_UPDATE}"
        ));
    };
    if !rule.enabled {
        return Some(format!(
            "the rule {id} is disabled, so no tick comes: enable it by aws events enable-rule --name {id}"
        ));
    }
    let mut targets = rule.targets.iter();
    let Some(target) = targets.find(|target| target.id == RULE_TARGET) else {
        return Some(format!(
            "the rule {id} calls nothing, so no tick comes: {BY_UPDATE}"
        ));
    };
    if target.arn != sight.function_arn {
        return Some(format!(
            "the rule {id} calls {}, which is not this function: {BY_UPDATE}",
            target.arn
        ));
    }
    let is_right = |event: &RuleEvent| {
        let is_copied = event.orders.is_none() || event.orders == sight.orders;
        event.id == *id && is_copied
    };
    match sight.event.as_ref().is_some_and(is_right) {
        true => None,
        false => Some(format!(
            "the rule {id} gives the function another input than the record has orders: {BY_UPDATE}"
        )),
    }
}

fn of_wiring(sight: &Sight) -> Vec<String> {
    let wiring = match &sight.wiring {
        None => return Vec::new(),
        Some(Err(error)) => return vec![format!("what was made cannot be looked at: {error}")],
        Some(Ok(wiring)) => wiring,
    };
    let made: Vec<_> = wiring.steps.iter().filter_map(makes).collect();
    let is_of_made = |step: &Step| {
        step.chain().is_some_and(|chain| made.contains(&chain)) && makes(step).is_none()
    };
    // Of a rule that is gone or disabled it is told already.
    let fires = sight.rule.as_ref().is_some_and(|rule| rule.enabled);
    let is_told = |step: &Step| !fires && matches!(step, Step::PutRule { .. });
    let steps = wiring.steps.iter();
    let steps = steps.filter(|step| !is_of_made(step) && !is_told(step));
    let steps = steps.filter_map(of_step);
    let unused = wiring.unused.iter().map(|arn| {
        format!("no load balancer uses the given target group {arn}, so its targets are unused: let a listener of the NLB lead to it")
    });
    wiring
        .findings
        .iter()
        .cloned()
        .chain(steps)
        .chain(unused)
        .collect()
}

/// What a step makes that is not there.
fn makes(step: &Step) -> Option<Chain<'_>> {
    match step {
        Step::CreateTargetGroup { .. } | Step::CreateListener { .. } => step.chain(),
        _ => None,
    }
}

/// What a step of an Update that changes nothing tells: that somebody else has changed it.
fn of_step(step: &Step) -> Option<String> {
    let wrong = match step {
        Step::CreateListener { port, .. } => {
            format!("the NLB's listener on port {port} is gone, so nobody is served there")
        }
        Step::ForwardListener { port, .. } => {
            format!(
                "the NLB's listener on port {port} leads to something else than the binding's target group"
            )
        }
        Step::CreateTargetGroup { name, .. } => format!("the target group {name} is gone"),
        Step::ModifyHealthCheck { .. }
        | Step::ModifyAttributes { .. }
        | Step::SetIdleTimeout { .. } => {
            format!("somebody else has changed what the properties say ({step})")
        }
        Step::PutRule { schedule } => {
            format!("the rule has another schedule than {schedule}")
        }
        // Told elsewhere, done in any case, or of no consequence.
        Step::CreateBucket { .. }
        | Step::TagBucket { .. }
        | Step::Claim { .. }
        | Step::TakeRecord { .. }
        | Step::TagTargetGroup { .. }
        | Step::Sync { .. }
        | Step::MoveListener { .. }
        | Step::TagListener { .. }
        | Step::TagRule { .. }
        | Step::PutRuleTarget
        | Step::Remove(_) => return None,
    };
    Some(format!("{wrong}: {BY_UPDATE}"))
}

fn of_last_tick(sight: &Sight) -> Option<String> {
    let failure = sight.record.record()?.failed.as_ref()?;
    let at = failure.at.rfc3339();
    Some(format!(
        "the last tick that had something to do failed at {at}: {}; each tick tries again, and the log has all of it",
        failure.reason
    ))
}

fn of_dns(sight: &Sight) -> Option<String> {
    let Some(Err(error)) = &sight.dns else {
        return None;
    };
    let name = sight
        .orders
        .as_ref()
        .map(|orders| orders.alb_dns_name.as_str());
    Some(format!(
        "{error}: ticks fail, so nothing leaves and nothing new comes; see whether {} still has addresses, and \
         whether the function reaches those servers",
        name.unwrap_or_default()
    ))
}

fn of_targets(sight: &Sight) -> Vec<String> {
    let mut problems = Vec::new();
    let wanted = sight.in_dns();
    for (arn, seen) in &sight.groups {
        match seen {
            Err(error) => problems.push(format!("the targets of {arn} cannot be looked at: {error}")),
            // Of one that the binding makes the wiring tells.
            Ok(None) if sight.id.made_group(arn) && matches!(sight.wiring, Some(Ok(_))) => {}
            Ok(None) => problems.push(format!(
                "the target group {arn} does not exist, so ticks fail: make it again, or change the properties"
            )),
            Ok(Some(_)) => {
                let targets = wanted.get(arn.as_str()).map_or(&[][..], Vec::as_slice);
                problems.extend(of_group(sight, arn, targets));
            }
        }
    }
    problems
}

/// `targets` are those in DNS.
fn of_group(sight: &Sight, arn: &str, targets: &[&TargetHealth]) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(found) = sight.found() else {
        return problems;
    };
    let registered = targets
        .iter()
        .filter(|target| target.state != HealthState::Draining);
    let registered: BTreeSet<_> = registered.map(|target| target.endpoint).collect();
    let ports = sight.ports(arn);
    let wanted = found.addresses.iter().flat_map(|address| {
        let address = *address;
        ports.iter().map(move |port| Endpoint {
            address,
            port: *port,
        })
    });
    let wanted: Vec<_> = wanted.collect();
    let missing = wanted
        .iter()
        .filter(|endpoint| !registered.contains(endpoint));
    let missing: Vec<_> = missing.map(ToString::to_string).collect();
    if !missing.is_empty() {
        problems.push(format!(
            "{} of {} targets that DNS shows are not registered in {arn} ({}): the next tick registers them; where it \
             does not, the log tells why",
            missing.len(),
            wanted.len(),
            told(&missing)
        ));
    }
    let unhealthy = named(targets, |target| {
        !matches!(
            target.state,
            HealthState::Healthy
                | HealthState::Initial
                | HealthState::Draining
                | HealthState::Unused
        )
    });
    if !unhealthy.is_empty() {
        problems.push(format!(
            "{} of {} targets in {arn} are not healthy ({}): first see whether the security group of what is behind the \
             NLB lets the NLB in, on the targets' port and on that of the health check; then whether it answers there",
            unhealthy.len(),
            targets.len(),
            told(&unhealthy)
        ));
    }
    let unused = named(targets, |target| target.state == HealthState::Unused);
    if !unused.is_empty() {
        problems.push(format!(
            "{} of {} targets in {arn} are unused ({}): no listener of the NLB leads to the group, or the target is in \
             an Availability Zone that the NLB lacks",
            unused.len(),
            targets.len(),
            told(&unused)
        ));
    }
    problems
}

/// Targets in such a state, each with AWS's words for it.
fn named<'a>(
    targets: impl AsRef<[&'a TargetHealth]>,
    is: impl Fn(&TargetHealth) -> bool,
) -> Vec<String> {
    let targets = targets.as_ref().iter().filter(|target| is(target));
    let told = targets.map(|target| match &target.reason {
        Some(reason) => format!("{} {} {reason}", target.endpoint, target.state),
        None => format!("{} {}", target.endpoint, target.state),
    });
    told.collect()
}

fn told(texts: &[String]) -> String {
    let mut told = texts
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if texts.len() > NAMED {
        told.push_str(", …");
    }
    told
}
