//! Faults on demand: what goes wrong, at which call. No fault hits the lab's own calls.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::call::{Call, Protocol};
use super::held_calls::HeldCalls;
use super::reply::{self, ApiReply};
use crate::lock::lock;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The caller is not authorized.
    Deny,
    /// Too many calls; SDKs try again.
    Throttle,
    /// The service fails; SDKs try again.
    ServerError,
    /// The connection is closed before the call is carried out.
    CutOff,
    /// The call is carried out, then the connection is closed.
    LoseAnswer,
    /// The call is not carried out, and this error is the answer.
    Answer {
        status: u16,
        code: String,
        message: String,
    },
    /// The call is not carried out, and a success with this body is the answer: some services report failures inside
    /// of one.
    Body(String),
    /// The call is carried out late.
    Delay(Duration),
    /// The call is carried out when the test lets it go on.
    Hold(HeldCalls),
    /// The caller has no `s3:ListBucket`: what is missing is refused ("If you don't have the
    /// s3:ListBucket permission, Amazon S3 returns an HTTP status code 403", S3 API, GetObject).
    HideMissing,
}

#[derive(Clone, Debug)]
pub struct Fault {
    service: String,
    operation: String,
    source: Option<String>,
    resource: Option<String>,
    which: AffectedCalls,
    what: FaultKind,
}

/// Which calls a fault hits. They are counted from 1 since it was injected.
#[derive(Clone, Copy, Debug)]
enum AffectedCalls {
    All,
    Nth(usize),
    From(usize),
    EveryOther,
}

impl AffectedCalls {
    fn hits(self, number: usize) -> bool {
        match self {
            Self::All => true,
            Self::Nth(nth) => number == nth,
            Self::From(nth) => number >= nth,
            Self::EveryOther => number % 2 == 1,
        }
    }
}

impl Fault {
    /// A fault that hits every call of an operation. The service is named as in `Call`.
    pub fn new(service: &str, operation: &str, what: FaultKind) -> Self {
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            source: None,
            resource: None,
            which: AffectedCalls::All,
            what,
        }
    }

    /// It hits only the nth call, counted from 1 since it was injected.
    pub fn nth(mut self, nth: usize) -> Self {
        self.which = AffectedCalls::Nth(nth);
        self
    }

    /// It hits the nth call and all that follow, so that the SDK's further attempts fail, too.
    pub fn from(mut self, nth: usize) -> Self {
        self.which = AffectedCalls::From(nth);
        self
    }

    /// It hits the first call, the third and so on, so that a caller that tries again succeeds.
    pub fn every_other(mut self) -> Self {
        self.which = AffectedCalls::EveryOther;
        self
    }

    /// It hits only calls with this access key, as in `Call::source`.
    pub fn by(mut self, source: &str) -> Self {
        self.source = Some(source.to_owned());
        self
    }

    /// It hits only calls that have this in their parameters, such as an ARN.
    pub fn on(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    fn is_of(&self, call: &Call) -> bool {
        let source = self.source.as_ref();
        let resource = self.resource.as_ref();
        self.service == call.service
            && self.operation == call.operation
            && source.is_none_or(|source| *source == call.source)
            && resource.is_none_or(|resource| call.params.to_string().contains(resource))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(usize);

struct Injected {
    fault: Fault,
    seen: usize,
    hits: usize,
}

#[derive(Default)]
pub(super) struct InjectedFaults(Mutex<(usize, BTreeMap<FaultId, Injected>)>);

/// What the faults make of one call.
#[derive(Default)]
pub(super) struct FaultEffects {
    pub delay: Option<Duration>,
    pub hold: Option<HeldCalls>,
    pub instead: Option<FaultKind>,
    pub loses_answer: bool,
}

impl InjectedFaults {
    pub fn inject(&self, fault: Fault) -> FaultId {
        let (next, faults) = &mut *lock(&self.0);
        *next += 1;
        let id = FaultId(*next);
        faults.insert(
            id,
            Injected {
                fault,
                seen: 0,
                hits: 0,
            },
        );
        id
    }

    pub fn hits(&self, id: FaultId) -> usize {
        lock(&self.0).1.get(&id).map_or(0, |injected| injected.hits)
    }

    pub fn remove(&self, id: FaultId) {
        lock(&self.0).1.remove(&id);
    }

    pub fn clear(&self) {
        lock(&self.0).1.clear();
    }

    /// Counts a call. Delays add up with whatever else happens; of all other faults the oldest one wins.
    pub fn effects_on(&self, call: &Call) -> FaultEffects {
        let mut effects = FaultEffects::default();
        for injected in lock(&self.0).1.values_mut() {
            let fault = &injected.fault;
            if !fault.is_of(call) {
                continue;
            }
            injected.seen += 1;
            if !fault.which.hits(injected.seen) {
                continue;
            }
            match &fault.what {
                FaultKind::Delay(delay) => {
                    effects.delay = Some(effects.delay.unwrap_or_default() + *delay)
                }
                FaultKind::Hold(hold) => effects.hold = Some(hold.clone()),
                _ if effects.instead.is_some() => continue,
                what => {
                    effects.loses_answer = *what == FaultKind::LoseAnswer;
                    effects.instead = Some(what.clone());
                }
            }
            injected.hits += 1;
        }
        effects
    }
}

impl FaultKind {
    /// The error in the words of the service: "Common errors" of the API references, S3's
    /// "Error responses".
    pub(super) fn reply(&self, call: &Call) -> ApiReply {
        let action = format!("{}:{}", call.service, call.operation);
        let denied = format!(
            "User: arn:aws:sts::000000000000:assumed-role/{0}/{0} is not authorized to perform: {action}",
            call.source
        );
        if let Self::Body(body) = self {
            return reply::success(call, body);
        }
        let (status, code, message) = match (self, call.protocol) {
            (
                Self::Answer {
                    status,
                    code,
                    message,
                },
                _,
            ) => (*status, code.as_str(), message.as_str()),
            (Self::Deny, Protocol::Json) => (400, "AccessDeniedException", denied.as_str()),
            (Self::Deny, _) => (403, "AccessDenied", denied.as_str()),
            (Self::Throttle, Protocol::S3) => (503, "SlowDown", "Please reduce your request rate."),
            (Self::Throttle, Protocol::Json) => (400, "ThrottlingException", "Rate exceeded"),
            (Self::Throttle, _) => (400, "Throttling", "Rate exceeded"),
            (_, Protocol::S3) => (
                500,
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
            (_, Protocol::Json) => (500, "InternalException", "The service failed."),
            _ => (500, "InternalFailure", "The service failed."),
        };
        reply::error(call, status, code, message)
    }
}
