//! How far a long operation is.

/// How much a step of an operation has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    Bytes(u64),
    Rows(u64),
    Keys(u64),
    /// It is not known before the step ends.
    Unknown,
}

/// Is told how far an operation is.
pub trait ProgressObserver: Send {
    /// A step begins; the one before has ended.
    fn begin(&mut self, step: &'static str, amount: Amount);

    /// How much of the step is done. It is also called, several times a second, during steps of an unknown amount.
    fn advance_to(&mut self, done: u64);
}

/// For operations that are not observed.
pub struct Unobserved;

impl ProgressObserver for Unobserved {
    fn begin(&mut self, _step: &'static str, _amount: Amount) {}

    fn advance_to(&mut self, _done: u64) {}
}
