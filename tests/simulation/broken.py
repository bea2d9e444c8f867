#!/usr/bin/env python3
"""Breaks the product on purpose, one way at a time, to prove that the simulation finds each breakage.

A simulation that never fails proves nothing. Each breakage replaces an exact text of one file in a copy of the
tree; the working tree is never touched. Only a violation that the judge reports counts as found. A test that
fails for another reason, or a fault that never happened, finds nothing. The script fails if a breakage is not
found. It stops before it builds anything if the text of any breakage is not in its file any more.

    python3 tests/simulation/broken.py              tries all breakages
    python3 tests/simulation/broken.py WORD ...     tries those whose name has one of the words
    python3 tests/simulation/broken.py --texts      only checks that the texts of all breakages are there
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "broken"
# The lives come first: they are quick, and find most.
TESTS = ["lives::in_all_lives", "scopes::orders", "scopes::kills"]

# Name, file, exact text, replacement.
BREAKAGES = [
    (
        "no look before a permit",
        "src/record/protocol/lease.rs",
        "            self.holder.confirm().await?;\n",
        "",
    ),
    (
        "a claim is not checked",
        "src/record/protocol/claims.rs",
        "Ok(Some(held)) if held.record.is_held_by(&self.delivery) => Ok(Some(held)),",
        "Ok(Some(held)) => Ok(Some(held)),",
    ),
    (
        "a look is believed for a minute",
        "src/permit.rs",
        "const FRESH_FOR: Duration = Duration::from_secs(5);",
        "const FRESH_FOR: Duration = Duration::from_secs(60);",
    ),
    (
        "a superseded request is not refused",
        "src/record/protocol/judge.rs",
        "    if age == Age::Older {\n        return Verdict::Superseded;\n    }\n",
        "",
    ),
    (
        "a takeover does not wait",
        "src/record/request/claiming.rs",
        "Wait::AfterTakeover => now + TAKEOVER_WAIT,",
        "Wait::AfterTakeover => now,",
    ),
    (
        "ownership is written after registering",
        "src/sync/tick.rs",
        "        let lease = match plan.record.clone() {\n",
        "        if !plan.groups.is_empty() {\n"
        "            let before = record.clone();\n"
        "            let ticking = TickWrite::begin(&self.store, self.clock, &observed.held, before);\n"
        "            if let Some(lease) = ticking.await? {\n"
        "                let zone = observed.orders.availability_zone.as_deref();\n"
        "                apply(self.aws, &lease, zone, &plan).await.into_result()?;\n"
        "            }\n"
        "            return Ok(false);\n"
        "        }\n"
        "        let lease = match plan.record.clone() {\n",
    ),
    (
        "late ticks count",
        "src/record/data/tick_rules.rs",
        "if scheduled.is_some_and(|scheduled| now.since(scheduled) > COUNTED_WITHIN) {",
        "if scheduled.is_some_and(|scheduled| now.since(scheduled) > COUNTED_WITHIN * 100) {",
    ),
    (
        "one scheduled time counts as often as it is delivered",
        "src/record/data/record.rs",
        "self.counted.iter().any(|counted| counted == tick)",
        "self.counted.iter().any(|counted| counted == tick) && tick.is_empty()",
    ),
    (
        "found targets are taken for own",
        "src/sync/plan/planning.rs",
        "next.found.insert(arn.clone(), there.collect());",
        "next.found.insert(arn.clone(), there.filter(|_| false).collect());",
    ),
    (
        "ticks do not honour the tombstone",
        "src/record/data/tick_rules.rs",
        "filter(|_| self.phase != Phase::Leaving)",
        "filter(|_| self.phase != Phase::Making)",
    ),
    (
        "a target that was put out just now is not waited for",
        "src/sync/plan/planning.rs",
        "    (until > situation.now).then_some(until)\n",
        "    (until > situation.now + TAKEOVER_WAIT * 9).then_some(until)\n",
    ),
    (
        "ticks serve a group that is being given up",
        "src/record/data/tick_rules.rs",
        "given_up.is_none_or(|given_up| !given_up.contains(&group.arn))",
        "given_up.is_none_or(|given_up| !given_up.contains(\"none\") || group.arn.is_empty())",
    ),
    (
        "ticks count while a request is under way",
        "src/record/data/tick_rules.rs",
        "        } else if self.open_claim(now).is_some() {\n            Counting::Claimed\n",
        "",
    ),
    (
        "orders are committed with the first sync",
        "src/sync/first_sync.rs",
        "&& !turn.write(self.id, &observed.held, next.clone()).await?",
        "&& let next = (crate::record::Record { orders: Some(self.orders.clone()), ..next.clone() })\n"
        "            && !turn.write(self.id, &observed.held, next).await?",
    ),
    (
        "a stored answer is not sent again",
        "src/record/protocol/judge.rs",
        "    if let Some(answer) = record.answer_to(new.request) {\n"
        "        return Verdict::Answered(answer.clone());\n"
        "    }\n",
        "",
    ),
    (
        "a record is removed though it is another's claim",
        "src/record/protocol/claims.rs",
        "            Ok(_) => Err(RecordError::TakenOver),\n",
        "            Ok(_) => Ok(None),\n",
    ),
    (
        "what a replacement has noted is ignored",
        "src/binding/delete/replacements.rs",
        "for replaced in noted.iter().rev() {",
        "for replaced in noted.iter().rev().take(0) {",
    ),
    (
        "ports are noted with the outcome only",
        "src/record/request/claiming.rs",
        "            ClaimPurpose::ToMake { ports } if made => record.ports = Some(ports.clone()),\n",
        "            ClaimPurpose::ToMake { .. } if made => record.ports = Some([].into()),\n",
    ),
    (
        "a record is written without its condition",
        "src/record/storage/store.rs",
        "        self.write(&held.bucket, record, Some(&held.etag)).await\n",
        "        let now = self.aws.etag(&held.bucket, &self.key()).await?;\n"
        "        self.write(&held.bucket, record, now.as_deref()).await\n",
    ),
    (
        "targets that another binding owns are put out",
        "src/binding/delete/apply/given_targets.rs",
        "Some(others) => registered.retain(|endpoint, _| !others.contains_key(endpoint)),",
        "Some(_) => {}",
    ),
    (
        "undo left out",
        "src/binding/make/still_wanted.rs",
        "        if is_own_work {\n",
        "        if is_own_work && desired.account.is_empty() {\n",
    ),
    (
        "a Delete writes no tombstone",
        "src/record/data/record.rs",
        "(RequestType::Delete, _) => self.phase = Phase::Leaving,",
        "(RequestType::Delete, _) => {}",
    ),
    (
        "the look for a rollback is left out",
        "src/binding/make/apply/applier.rs",
        "        self.turn.stop_if_rolled_back(&self.desired.id).await?;\n        for step",
        "        for step",
    ),
    (
        "an Update takes a listener away that stays",
        "src/binding/make/plan/removals.rs",
        "listeners.filter(|listener| listener.is_own && !ports.contains(&listener.listener.port));",
        "listeners.filter(|listener| listener.is_own && ports.contains(&listener.listener.port));",
    ),
    (
        "a Create is not asked whether it is wanted",
        "src/record/protocol/still_wanted.rs",
        'let is_wanted = resource.status == "CREATE_IN_PROGRESS";',
        "let is_wanted = true;",
    ),
    (
        "a Delete does not wait for the last tick",
        "src/binding/delete/apply/given_targets.rs",
        "if quiet_from <= turn.clock().now() {",
        "if quiet_from >= turn.clock().now() || true {",
    ),
    (
        "a replacement is answered before it is committed",
        "src/record/request/outcome.rs",
        "claimed.sort_by_key(|claimed| claimed != id);",
        "claimed.sort_by_key(|claimed| claimed == id);",
    ),
    (
        "a Delete ends while CloudFormation's word lags",
        "src/binding/delete/still_wanted.rs",
        "deletion.stay_until(began + STATUS_LAG.min(turn.caller().patience));",
        "deletion.stay_until(began);",
    ),
    (
        "a rollback is taken for one that may be rolled back itself",
        "src/record/data/record.rs",
        "let may_take_back = is_inverse && !former.takes_back;",
        "let may_take_back = is_inverse;",
    ),
    (
        "a request that was taken over is not judged anew",
        "src/provider/mod.rs",
        "                    turn.start_again();\n",
        "                    return Err(error);\n                    #[allow(unreachable_code)]\n"
        "                    turn.start_again();\n",
    ),
]


def missing_texts():
    """Says of each breakage whose text is not exactly once in its file why it cannot be tried."""
    for name, path, text, _ in BREAKAGES:
        file = ROOT / path
        if not file.is_file():
            yield f"{name}: there is no file {path}"
        elif (count := file.read_text().count(text)) != 1:
            yield f"{name}: {path} has its text {count} times: {text.strip().splitlines()[0]}"


def copy_tree():
    """Copies the working tree, and leaves what did not change to the last build."""
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    names = {name for name in files.split("\0") if (ROOT / name).is_file()} - {""}
    for copy in (COPY / "tree").rglob("*"):
        if copy.is_file() and str(copy.relative_to(COPY / "tree")) not in names:
            copy.unlink()
    for name in names:
        source, copy = ROOT / name, COPY / "tree" / name
        if copy.is_file() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def simulate(test):
    """Runs one test on the copy. Gives the exit code and the output."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(COPY / "target"))
    run = subprocess.run(
        ["cargo", "test", "--test", "simulation", "--", test, "--nocapture", "--test-threads=1"],
        cwd=COPY / "tree",
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
    )
    return run.returncode, run.stdout + run.stderr


def verdict(said):
    """The violation that the judge reports in an output, or None."""
    found = re.search(r"judge +VIOLATION: (.*)", said)
    return found and found[1]


def breaks(name, path, text, replacement):
    """Breaks the copy in one way and gives whether the simulation finds that."""
    file = COPY / "tree" / path
    whole = file.read_text()
    file.write_text(whole.replace(text, replacement))
    started = time.monotonic()
    try:
        for test in TESTS:
            code, said = simulate(test)
            if "error: could not compile" in said or "error[E" in said:
                print(f"NOT COMPILED  {name}\n{said[-1500:]}", flush=True)
                return False
            violation = verdict(said)
            if code != 0 and violation:
                took = time.monotonic() - started
                print(f"found         {name}: {test}, {took:.0f} s: {violation[:160]}", flush=True)
                return True
            if code != 0:
                print(f"no violation  {name}: {test}: {said.strip().splitlines()[-1]}", flush=True)
        print(f"NOT FOUND     {name}, {time.monotonic() - started:.0f} s", flush=True)
        return False
    finally:
        file.write_text(whole)


def main():
    missing = list(missing_texts())
    if missing:
        print(f"{len(missing)} of {len(BREAKAGES)} breakages cannot be tried. Write their texts anew:")
        print("\n".join(missing))
        return 2
    if sys.argv[1:] == ["--texts"]:
        return 0
    words = sys.argv[1:]
    chosen = [one for one in BREAKAGES if not words or any(word in one[0] for word in words)]
    copy_tree()
    started = time.monotonic()
    for test in TESTS:
        code, said = simulate(test)
        if code != 0:
            print(f"the product as it is fails {test}:\n{said[-3000:]}")
            return 2
    print(f"the product as it is: nothing found, {time.monotonic() - started:.0f} s", flush=True)
    missed = [one[0] for one in chosen if not breaks(*one)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} breakages found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
