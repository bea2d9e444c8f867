//! The gateway: an HTTP proxy before MiniStack. It records every call, lets calls go wrong on
//! demand, answers what MiniStack lacks as AWS does, and passes everything else on unchanged.
//! It checks no signatures and no permissions.

mod call;
mod carry_out;
mod cbor;
mod controls;
mod elb;
mod events;
mod fault;
mod forward;
mod health;
mod held_calls;
mod listeners;
mod load_balancers;
mod operation_names;
mod reply;
mod response_cache;
mod server;
mod stack_events;
mod stack_views;
mod stacks;
mod state;
mod target_groups;
mod targets;
mod throttle;
mod tls;

pub use call::Call;
pub use controls::Gateway;
pub use fault::{Fault, FaultId, FaultKind};
pub use held_calls::HeldCalls;
pub use stack_views::FakeStackView;
pub use targets::{Target, TargetState};
