//! What a simulation came to, in numbers: how much was tried, and how often chance was against us.

/// The numbers.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub minutes: u64,
    pub lives: u64,
    pub updates: u64,
    pub ticks: u64,
    /// Ticks that nothing disturbed.
    pub good_ticks: u64,
    pub changes: u64,
    pub deregistered: u64,
    /// Looks that were certain by sampling, and those of them that missed an address.
    pub sampled: u64,
    pub mistaken: u64,
    /// Addresses taken away though in DNS, for no look of the last ticks had shown them.
    pub doubted: u64,
    /// Addresses taken away by a tick that was held up after its look, and came back meanwhile.
    /// The next tick registers them again.
    pub overtaken: u64,
    /// Targets that a tick registered while Delete ran, and then failed before it could undo it.
    pub stranded: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.minutes += other.minutes;
        self.lives += other.lives;
        self.updates += other.updates;
        self.ticks += other.ticks;
        self.good_ticks += other.good_ticks;
        self.changes += other.changes;
        self.deregistered += other.deregistered;
        self.sampled += other.sampled;
        self.mistaken += other.mistaken;
        self.doubted += other.doubted;
        self.overtaken += other.overtaken;
        self.stranded += other.stranded;
    }
}
