//! What the record gets to know about a request, to distinguish two deliveries of it, or two requests.

use super::request::{Envelope, Request, digest};
use crate::clock::Clock;
use crate::invocation::Invocation;
use crate::record::{Caller, DeliveryId, signature_time};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::Instant;

/// `working` is the time that the request may take.
pub(super) fn caller(
    request: &Request,
    envelope: &Envelope,
    invocation: &Invocation,
    clock: Clock,
    working: Duration,
) -> Caller {
    // Lambda repeats a killed invocation under the same id, so each delivery gets a name of its own.
    let delivery = RandomState::new().hash_one(clock.now());
    Caller {
        kind: request.request_type,
        delivery: DeliveryId {
            request: request.request_id.clone(),
            runner: format!("{} {delivery:016x}", invocation.log_stream),
        },
        signed: signature_time(envelope.response_url.secret()),
        wants: digest(&request.properties),
        wanted_before: digest(&request.old_properties),
        stack_id: request.stack_id.clone(),
        logical_id: request.logical_resource_id.clone(),
        physical_id: request.physical_id.clone(),
        patience: working / 2,
        until: Instant::now() + working,
    }
}
