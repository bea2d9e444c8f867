//! What CloudFormation shows of a stack and of the binding in it, when the function asks whether a request is
//! still waited for.

use super::stack::{BindingStack, LOGICAL_ID};
use lab::FakeStackView;

impl BindingStack {
    /// Sets the status of the stack, and that of the binding in it.
    pub fn shows(&self, stack: &str, resource: &str, id: Option<&str>) {
        self.shows_all(FakeStackView::new(stack).with_resource(LOGICAL_ID, resource, id));
    }

    /// The same if the binding is no longer in the stack.
    pub fn shows_none(&self, stack: &str) {
        self.shows_all(FakeStackView::new(stack));
    }

    pub fn shows_all(&self, view: FakeStackView) {
        self.lab().gateway().set_stack(&self.id, view);
    }

    pub fn shows_creating(&self) {
        self.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
    }

    pub fn shows_updating(&self, id: &str) {
        self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
    }

    pub fn shows_updated(&self, id: &str) {
        self.shows("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(id));
    }

    /// The stack goes back to what it was before an Update.
    pub fn shows_rolling_back(&self, id: &str) {
        let status = "UPDATE_ROLLBACK_IN_PROGRESS";
        self.shows(status, "UPDATE_IN_PROGRESS", Some(id));
    }

    pub fn shows_rolled_back(&self, id: &str) {
        self.shows("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(id));
    }

    /// An Update is done, and what it replaced is being deleted.
    pub fn shows_cleaning_up(&self, id: &str) {
        let status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
        self.shows(status, "UPDATE_COMPLETE", Some(id));
    }

    pub fn shows_deleting(&self, id: &str) {
        self.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(id));
    }

    /// From now on this account knows of no such stack.
    pub fn becomes_unknown(&self) {
        self.lab().gateway().forget_stack(&self.id);
    }
}
