//! Stacks as a test says that CloudFormation shows them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use crate::lock::lock;

/// A stack as a test says that CloudFormation shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FakeStackView {
    /// Such as `UPDATE_ROLLBACK_IN_PROGRESS`.
    pub status: String,
    pub tags: BTreeMap<String, String>,
    /// The resources by their logical ids.
    pub resources: BTreeMap<String, ResourceView>,
}

/// A resource of such a stack.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceView {
    /// Such as `CREATE_IN_PROGRESS`.
    pub status: String,
    /// `None` while the resource is created.
    pub physical_id: Option<String>,
}

impl FakeStackView {
    pub fn new(status: &str) -> Self {
        Self {
            status: status.to_owned(),
            ..Self::default()
        }
    }

    pub fn with_tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a resource of the type `Custom::AlbNlbBinding`.
    pub fn with_resource(
        mut self,
        logical_id: &str,
        status: &str,
        physical_id: Option<&str>,
    ) -> Self {
        let resource = ResourceView {
            status: status.to_owned(),
            physical_id: physical_id.map(str::to_owned),
        };
        self.resources.insert(logical_id.to_owned(), resource);
        self
    }
}

/// The stacks by their ids.
#[derive(Default)]
pub(super) struct StackViews(Mutex<HashMap<String, FakeStackView>>);

impl StackViews {
    pub fn set(&self, id: &str, stack: FakeStackView) {
        lock(&self.0).insert(id.to_owned(), stack);
    }

    pub fn forget(&self, id: &str) {
        lock(&self.0).remove(id);
    }

    pub fn get(&self, id: &str) -> Option<FakeStackView> {
        lock(&self.0).get(id).cloned()
    }
}
