//! The pairs of events that happen at once.

/// Two events that happen at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPair {
    CreateAndDelete,
    /// The status that CloudFormation shows lags nine seconds behind its Delete.
    CreateAndUnseenDelete,
    /// The same with a second delivery of a Create that had a success.
    CreateAgainAndUnseenDelete,
    /// The same while the name of the bucket is not free yet, so that the Create is still at work when its Delete
    /// is done.
    SlowCreateAndUnseenDelete,
    UpdateAndRollback,
    /// The same within the seconds in which the signature times do not say which request is later.
    UpdateAndQuickRollback,
    /// The same while the Update waits for DNS and the rollback is delivered late; in one order only.
    UpdateAndLateRollback,
    /// The same after the same Update was rolled back before.
    UpdateAgainAndLateRollback,
    UpdateAndDelete,
    /// A second delivery of the replacement, and the Delete of the binding that it replaced.
    ReplacementAndCleanUp,
    ReplacementAndRollback,
    BucketAndTick,
    UpdateAndTick,
    DeleteAndTick,
    TickAndTick,
    /// An address comes back to DNS while a tick deregisters it.
    TickAndReturn,
    CreateTwice,
    UpdateTwice,
    ReplacementTwice,
    BucketTwice,
    DeleteTwice,
}

pub const PAIRS: [EventPair; 21] = [
    EventPair::CreateAndDelete,
    EventPair::CreateAndUnseenDelete,
    EventPair::CreateAgainAndUnseenDelete,
    EventPair::SlowCreateAndUnseenDelete,
    EventPair::UpdateAndRollback,
    EventPair::UpdateAndQuickRollback,
    EventPair::UpdateAndLateRollback,
    EventPair::UpdateAgainAndLateRollback,
    EventPair::UpdateAndDelete,
    EventPair::ReplacementAndCleanUp,
    EventPair::ReplacementAndRollback,
    EventPair::BucketAndTick,
    EventPair::UpdateAndTick,
    EventPair::DeleteAndTick,
    EventPair::TickAndTick,
    EventPair::TickAndReturn,
    EventPair::CreateTwice,
    EventPair::UpdateTwice,
    EventPair::ReplacementTwice,
    EventPair::BucketTwice,
    EventPair::DeleteTwice,
];
