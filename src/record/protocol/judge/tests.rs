use super::*;
use crate::record::data::{Claim, DeliveryId, Outcome, Phase, ResponseStatus};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn digest(text: &str) -> PropertiesDigest {
    PropertiesDigest(text.to_owned())
}

fn at(seconds: u64) -> Option<Signed> {
    let time = Timestamp::from_millis(900_000_000) + Duration::from_secs(seconds);
    Some(Signed::At(time))
}

fn answer() -> Response {
    Response {
        status: ResponseStatus::Success,
        reason: String::new(),
        physical_id: "id".to_owned(),
        data: Default::default(),
    }
}

/// An Update from `old` to `new` that has claimed the record.
fn claimed(request: &str, signed: Option<Signed>, rolls_back: impl Into<Option<bool>>) -> Record {
    let mut record = Record::new("binding", Phase::Serving);
    record.claim_for(Claim {
        delivery: DeliveryId {
            request: request.to_owned(),
            runner: "another".to_owned(),
        },
        kind: RequestType::Update,
        signed,
        at: NOW,
        rolls_back: rolls_back.into(),
        goes_on: true,
        takes_back: false,
        wants: digest("new"),
        wanted_before: digest("old"),
        made: false,
        gives_up: Default::default(),
        outcome: None,
    });
    record
}

/// The rollback of an Update has claimed the record.
fn rolled_back(signed: Option<Signed>, rolls_back: impl Into<Option<bool>>) -> Record {
    let mut record = claimed("rollback", signed, rolls_back);
    record.claim.as_mut().expect("a claim").goes_on = false;
    record
}

fn answered(mut record: Record) -> Record {
    let claim = record.claim.as_mut().expect("a claim");
    claim.outcome = Some(Outcome {
        answer: answer(),
        quiet_from: NOW,
    });
    record
}

struct Update<'a> {
    request: &'a str,
    signed: Option<Signed>,
    is_inverse: bool,
    rolls_back: Option<bool>,
}

impl Default for Update<'_> {
    fn default() -> Self {
        Self {
            request: "this",
            signed: None,
            is_inverse: false,
            rolls_back: Some(false),
        }
    }
}

impl Update<'_> {
    fn judged_by(&self, record: &Record) -> Verdict {
        let (wants, before) = match self.is_inverse {
            true => (digest("old"), digest("new")),
            false => (digest("newest"), digest("new")),
        };
        let new = NewRequest {
            request: self.request,
            kind: RequestType::Update,
            signed: self.signed,
            wants: &wants,
            wanted_before: &before,
            rolls_back: self.rolls_back,
        };
        judge(record, &new)
    }
}

const AFTER_THE_WAIT: Verdict = Verdict::Claim {
    wait: Wait::AfterTakeover,
};

fn after(quiet_from: Timestamp) -> Verdict {
    let wait = Wait::Until(quiet_from);
    Verdict::Claim { wait }
}

#[test]
fn a_record_that_nobody_holds_is_claimed_at_once() {
    let record = Record::new("binding", Phase::Making);
    let at_once = Verdict::Claim {
        wait: Wait::default(),
    };
    assert_eq!(Update::default().judged_by(&record), at_once);
}

#[test]
fn who_takes_over_from_a_request_that_has_no_answer_waits() {
    let record = claimed("former", None, false);
    assert_eq!(Update::default().judged_by(&record), AFTER_THE_WAIT);
    let record = answered(record);
    assert_eq!(Update::default().judged_by(&record), after(NOW));
}

#[test]
fn what_an_answered_request_has_under_way_is_waited_for() {
    let mut record = answered(claimed("former", None, false));
    let quiet_from = NOW + Duration::from_secs(3);
    let outcome = record
        .claim
        .as_mut()
        .and_then(|claim| claim.outcome.as_mut());
    outcome.expect("an outcome").quiet_from = quiet_from;
    assert_eq!(Update::default().judged_by(&record), after(quiet_from));
}

#[test]
fn the_same_request_goes_on_without_an_answer_and_gets_the_same_with_one() {
    let same = Update {
        request: "former",
        ..Update::default()
    };
    let record = claimed("former", None, false);
    assert_eq!(same.judged_by(&record), AFTER_THE_WAIT);
    let mut record = answered(record);
    assert_eq!(same.judged_by(&record), Verdict::Answered(answer()));
    // The same after another request has come.
    let next = claimed("next", None, false).claim.expect("a claim");
    record.claim_for(next);
    assert_eq!(same.judged_by(&record), Verdict::Answered(answer()));
}

#[test]
fn a_request_whose_claim_was_taken_over_is_superseded_for_good() {
    let mut record = claimed("former", None, false);
    let next = claimed("next", None, false).claim.expect("a claim");
    record.claim_for(next);
    let former = Update {
        request: "former",
        ..Update::default()
    };
    assert_eq!(former.judged_by(&record), Verdict::Superseded);
}

#[test]
fn of_two_signed_requests_the_one_that_is_more_than_two_seconds_older_is_superseded() {
    for (this, superseded) in [(0, true), (7, true), (8, false), (10, false), (60, false)] {
        let record = claimed("former", at(10), false);
        let signed = at(this);
        let verdict = Update {
            signed,
            ..Update::default()
        };
        let verdict = verdict.judged_by(&record);
        assert_eq!(verdict == Verdict::Superseded, superseded, "{this}");
    }
}

#[test]
fn times_of_two_forms_are_not_compared() {
    let record = claimed("former", at(10), false);
    let signed = Some(Signed::Until(Timestamp::from_millis(0)));
    let this = Update {
        signed,
        ..Update::default()
    };
    assert_eq!(this.judged_by(&record), AFTER_THE_WAIT);
}

#[test]
fn while_the_stack_rolls_back_the_inverse_of_the_rollback_is_the_cancelled_one() {
    let late = |rolls_back, signed| Update {
        is_inverse: true,
        rolls_back: Some(rolls_back),
        signed,
        ..Update::default()
    };
    let rollback = rolled_back(at(10), true);
    for signed in [None, at(9)] {
        let verdict = late(true, signed).judged_by(&rollback);
        assert_eq!(verdict, Verdict::Superseded, "{signed:?}");
    }
    // A rollback that comes within the same second as what it rolls back has to get through.
    for signed in [at(10), at(11), at(60)] {
        let verdict = late(true, signed).judged_by(&rollback);
        assert_eq!(verdict, AFTER_THE_WAIT, "{signed:?}");
    }
    assert_eq!(late(false, None).judged_by(&rollback), AFTER_THE_WAIT);
    // The rollback itself is the inverse of what it rolls back, which may have come after it had begun.
    let cancelled = claimed("cancelled", None, true);
    assert_eq!(late(true, None).judged_by(&cancelled), AFTER_THE_WAIT);
    let cancelled = claimed("cancelled", at(10), false);
    assert_eq!(late(true, at(11)).judged_by(&cancelled), AFTER_THE_WAIT);
}

#[test]
fn only_an_update_can_be_what_a_rollback_rolls_back() {
    let rollback = rolled_back(None, true);
    let (wants, wanted_before) = (digest("old"), digest("new"));
    let new = |kind| NewRequest {
        request: "this",
        kind,
        signed: None,
        wants: &wants,
        wanted_before: &wanted_before,
        rolls_back: Some(true),
    };
    let judged = |kind| judge(&rollback, &new(kind));
    assert_eq!(judged(RequestType::Update), Verdict::Superseded);
    assert_eq!(judged(RequestType::Delete), AFTER_THE_WAIT);
    let mut create = rollback.clone();
    create.claim.as_mut().expect("a claim").kind = RequestType::Create;
    assert_eq!(judge(&create, &new(RequestType::Update)), AFTER_THE_WAIT);
    // Half an inverse is another Update.
    for (wants, before) in [("old", "older"), ("newer", "new")] {
        let (wants, before) = (digest(wants), digest(before));
        let new = NewRequest {
            wants: &wants,
            wanted_before: &before,
            ..new(RequestType::Update)
        };
        assert_eq!(judge(&rollback, &new), AFTER_THE_WAIT);
    }
}

#[test]
fn an_inverse_that_was_signed_before_the_rollback_is_what_it_rolls_back_whatever_the_stack_says() {
    let rollback = rolled_back(at(10), None);
    let late = |signed| Update {
        is_inverse: true,
        rolls_back: None,
        signed,
        ..Update::default()
    };
    assert_eq!(late(at(9)).judged_by(&rollback), Verdict::Superseded);
    assert_eq!(late(at(10)).judged_by(&rollback), AFTER_THE_WAIT);
    assert_eq!(late(None).judged_by(&rollback), AFTER_THE_WAIT);
}

#[test]
fn an_update_that_is_run_again_when_its_stack_has_begun_to_roll_back_is_superseded() {
    let again = |rolls_back| Update {
        request: "former",
        rolls_back,
        ..Update::default()
    };
    let before = claimed("former", None, false);
    assert_eq!(again(Some(true)).judged_by(&before), Verdict::Superseded);
    assert_eq!(again(Some(false)).judged_by(&before), AFTER_THE_WAIT);
    assert_eq!(again(None).judged_by(&before), AFTER_THE_WAIT);
    for known in [None, Some(true)] {
        let rollback = claimed("former", None, known);
        assert_eq!(again(Some(true)).judged_by(&rollback), AFTER_THE_WAIT);
    }
    // What may be the rollback itself has to get through, for what is shown may lag behind.
    let mut back = before.clone();
    back.claim.as_mut().expect("a claim").goes_on = false;
    assert_eq!(again(Some(true)).judged_by(&back), AFTER_THE_WAIT);
    // Some rollbacks create the resource again. Another check asks whether that Create is wanted.
    let mut create = before;
    create.claim.as_mut().expect("a claim").kind = RequestType::Create;
    assert_eq!(again(Some(true)).judged_by(&create), AFTER_THE_WAIT);
}
