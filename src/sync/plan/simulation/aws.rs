//! AWS as one simulated invocation meets it: every call may wait its turn, fail, or be carried
//! out without an answer. What a call does is done at one moment, as on AWS.
//!
//! Decides nothing about right and wrong: the ledger judges each change at that moment.

use super::ledger::Notes;
use super::world::{By, Object, World};
use crate::capabilities::{Answer, AwsError, Buckets, Objects, Stored, Targets, Written};
use crate::model::{Endpoint, Registered, Tags};
use crate::sync::state::State;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::Poll;

/// One invocation's way to AWS.
#[derive(Clone)]
pub(super) struct Client {
    pub world: Rc<RefCell<World>>,
    pub notes: Rc<RefCell<Notes>>,
}

/// What a call does, or AWS's error code.
type Done<T> = Result<T, &'static str>;

impl Client {
    /// A call that changes nothing.
    pub(super) async fn ask<T>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&World) -> T,
    ) -> Answer<T> {
        self.turn().await;
        let mut world = self.world.borrow_mut();
        let weather = world.weather;
        if world.chance.of(weather.fails) {
            return Err(self.fault(&mut world, operation, Some("Throttling")));
        }
        Ok(act(&world))
    }

    /// A call that changes something. The SDK sends it again where it got no answer, and at the
    /// latest then it meets its own work.
    pub(super) async fn change<T>(
        &self,
        operation: &'static str,
        mut act: impl FnMut(&mut World, &mut Notes) -> Done<T>,
    ) -> Answer<T> {
        self.turn().await;
        let mut world = self.world.borrow_mut();
        let weather = world.weather;
        if world.chance.of(weather.fails) {
            return Err(self.fault(&mut world, operation, Some("InternalError")));
        }
        let mut done = act(&mut world, &mut self.notes.borrow_mut());
        if world.chance.of(weather.unseen) {
            let fault = self.fault(&mut world, operation, None);
            if world.chance.of(0.5) {
                return Err(fault);
            }
            done = act(&mut world, &mut self.notes.borrow_mut());
        }
        done.map_err(|code| failed(operation, Some(code)))
    }

    async fn turn(&self) {
        let turns = {
            let world = &mut *self.world.borrow_mut();
            match world.interleaved {
                true => world.chance.number(1..=3),
                false => 0,
            }
        };
        for _ in 0..turns {
            pause().await;
        }
    }

    fn fault(&self, world: &mut World, operation: &'static str, code: Option<&str>) -> AwsError {
        let notes = &mut *self.notes.borrow_mut();
        notes.faulted = true;
        world.tell(|| format!("{} meets a fault in {operation}: {code:?}", notes.id));
        failed(operation, code)
    }
}

/// Lets others have a turn.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn failed(operation: &'static str, code: Option<&str>) -> AwsError {
    AwsError {
        operation,
        resource: "something simulated".to_owned(),
        code: code.map(str::to_owned),
        reason: "as simulated".to_owned(),
        source: "simulated".into(),
    }
}

impl Targets for Client {
    async fn registered(&self, target_group: &str) -> Answer<Option<Registered>> {
        let read = |world: &World| world.registered(target_group);
        self.ask("DescribeTargetHealth", read).await
    }

    async fn register(
        &self,
        target_group: &str,
        targets: &[Endpoint],
        _: Option<&str>,
    ) -> Answer<()> {
        self.change("RegisterTargets", |world, notes| {
            if !world.groups.contains_key(target_group) {
                return Err("TargetGroupNotFound");
            }
            for endpoint in targets {
                world.register(target_group, *endpoint, By::Us);
                let key = (target_group.to_owned(), *endpoint);
                world.tell(|| format!("{} registers {key:?}", notes.id));
                world.judge_registration(notes, &key);
                notes.registered.insert(key);
            }
            Ok(())
        })
        .await
    }

    async fn deregister(&self, target_group: &str, targets: &Registered) -> Answer<()> {
        self.change("DeregisterTargets", |world, notes| {
            if !world.groups.contains_key(target_group) {
                return Err("TargetGroupNotFound");
            }
            for endpoint in targets.keys() {
                let key = (target_group.to_owned(), *endpoint);
                world.tell(|| format!("{} deregisters {key:?}", notes.id));
                world.judge_deregistration(notes, &key);
                world.deregister(target_group, *endpoint);
            }
            Ok(())
        })
        .await
    }
}

impl Objects for Client {
    async fn read(&self, bucket: &str, _: &str) -> Answer<Option<Stored>> {
        let stored = self.ask("GetObject", |world| {
            world.remember(&mut self.notes.borrow_mut());
            world.buckets.get(bucket).cloned().ok_or("NoSuchBucket")
        });
        let object = stored.await?;
        let object = object.map_err(|code| failed("GetObject", Some(code)))?;
        Ok(object.map(|object| Stored {
            etag: object.etag.to_string(),
            body: object.body,
        }))
    }

    async fn write(
        &self,
        bucket: &str,
        _: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> Answer<Written> {
        self.change("PutObject", |world, notes| {
            // S3 guide, "Conditional writes".
            let Some(object) = world.buckets.get(bucket) else {
                return Ok(Written::Lost);
            };
            let present = object.as_ref().map(|object| object.etag.to_string());
            if present.as_deref() != etag {
                return Ok(Written::Lost);
            }
            let state = State::parse(&body).expect("a readable state");
            world.tell(|| format!("{} writes {state:?}", notes.id));
            world.judge_write(notes, &state);
            let object = Object {
                body: body.clone(),
                etag: world.next(),
                state,
            };
            world.buckets.insert(bucket.to_owned(), Some(object));
            Ok(Written::Done)
        })
        .await
    }

    async fn delete_all(&self, bucket: &str, _: &str) -> Answer<()> {
        self.change("DeleteObjects", |world, _| {
            let object = world.buckets.get_mut(bucket).ok_or("NoSuchBucket")?;
            *object = None;
            Ok(())
        })
        .await
    }
}

impl Buckets for Client {
    async fn bucket_exists(&self, bucket: &str) -> Answer<bool> {
        let read = |world: &World| world.buckets.contains_key(bucket);
        self.ask("HeadBucket", read).await
    }

    async fn create_bucket(&self, bucket: &str) -> Answer<()> {
        self.change("CreateBucket", |world, _| {
            world.buckets.entry(bucket.to_owned()).or_default();
            Ok(())
        })
        .await
    }

    async fn bucket_tags(&self, _: &str) -> Answer<Tags> {
        unreachable!("nobody asks")
    }

    async fn put_bucket_tags(&self, _: &str, _: &Tags) -> Answer<()> {
        unreachable!("nobody asks")
    }

    async fn delete_bucket(&self, bucket: &str) -> Answer<()> {
        self.change("DeleteBucket", |world, _| {
            world
                .buckets
                .remove(bucket)
                .map(|_| ())
                .ok_or("NoSuchBucket")
        })
        .await
    }
}
