use super::*;
use crate::aws::api::AwsError;
use std::time::Duration;

/// Counts the looks; each takes some time, and from some look on the holder is gone.
struct Looks {
    count: Cell<usize>,
    takes: Duration,
    gone_from: usize,
}

impl LeaseHolder for Looks {
    async fn confirm(&self) -> Result<(), RecordError> {
        tokio::time::sleep(self.takes).await;
        self.count.set(self.count.get() + 1);
        match self.count.get() < self.gone_from {
            true => Ok(()),
            false => Err(RecordError::TakenOver),
        }
    }
}

fn lease(takes: Duration, gone_from: usize) -> Lease<Looks> {
    let count = Cell::new(0);
    let holder = Looks {
        count,
        takes,
        gone_from,
    };
    Lease::new(holder, Clock::starting_at(Timestamp::from_millis(0)))
}

fn looks(lease: &Lease<Looks>) -> usize {
    lease.holder().count.get()
}

fn error(trouble: Trouble) -> AwsError {
    AwsError {
        trouble,
        ..AwsError::no_answer("PutRule", "rule")
    }
}

async fn done(_: Permit) -> AwsResult<()> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_look_is_good_for_calls_that_start_within_five_seconds() {
    let lease = lease(Duration::ZERO, 99);
    lease.act(done).await.expect("done");
    tokio::time::sleep(Duration::from_millis(4_999)).await;
    lease.act(done).await.expect("done");
    assert_eq!(looks(&lease), 1);
    tokio::time::sleep(Duration::from_millis(1)).await;
    lease.act(done).await.expect("done");
    assert_eq!(looks(&lease), 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_the_record_is_as_good_as_a_look_and_a_doubt_takes_that_back() {
    let lease = lease(Duration::ZERO, 99);
    lease.count_as_look(Instant::now());
    lease.act(done).await.expect("done");
    assert_eq!(looks(&lease), 0);
    lease.expire();
    lease.act(done).await.expect("done");
    assert_eq!(looks(&lease), 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_takes_five_seconds_is_repeated() {
    let slow = lease(Duration::from_secs(5), 3);
    let refused = slow.act(done).await;
    assert!(matches!(refused, Err(RecordError::TakenOver)));
    assert_eq!(looks(&slow), 3);
}

#[tokio::test(start_paused = true)]
async fn without_the_hold_no_call_is_made() {
    let gone = lease(Duration::ZERO, 1);
    let call = async |_| -> AwsResult<()> { panic!("it must not be made") };
    assert!(matches!(gone.act(call).await, Err(RecordError::TakenOver)));
}

#[tokio::test(start_paused = true)]
async fn what_is_busy_is_tried_until_the_deadline() {
    let lease = lease(Duration::ZERO, 99);
    let busy = async |_| -> AwsResult<()> { Err(error(Trouble::Passes)) };
    let act = tokio::time::timeout(Duration::from_secs(60), lease.act(busy));
    assert!(act.await.is_err(), "it goes on");
    assert!(looks(&lease) > 5, "{}", looks(&lease));
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_seven_times_and_what_is_refused_once_and_each_try_looks_again() {
    for (trouble, tries) in [(Trouble::MayPass, 7), (Trouble::Stays, 1)] {
        let lease = lease(Duration::ZERO, 99);
        let made = Cell::new(0);
        let call = async |_| -> AwsResult<()> {
            made.set(made.get() + 1);
            Err(error(trouble))
        };
        assert!(matches!(lease.act(call).await, Err(RecordError::Aws(_))));
        assert_eq!(made.get(), tries, "{trouble:?}");
        assert_eq!(looks(&lease), tries, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_up_half_way_may_still_have_an_effect_for_its_five_seconds() {
    let lease = lease(Duration::ZERO, 99);
    lease.act(done).await.expect("done");
    assert_eq!(lease.quiet_from(), Timestamp::from_millis(0));
    let hangs = async |_| -> AwsResult<()> { std::future::pending().await };
    let act = tokio::time::timeout(Duration::from_secs(1), lease.act(hangs));
    assert!(act.await.is_err());
    assert_eq!(lease.quiet_from(), Timestamp::from_millis(5_000));
}

#[tokio::test(start_paused = true)]
async fn what_those_may_still_do_from_whom_it_was_taken_is_not_settled_before_that() {
    let lease = lease(Duration::ZERO, 99);
    lease.note_others(Timestamp::from_millis(15_000));
    lease.note_others(Timestamp::from_millis(7_000));
    assert_eq!(lease.quiet_from(), Timestamp::from_millis(15_000));
}
