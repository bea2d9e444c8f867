//! A person's question: the event `{"Action": …}` as a type. No I/O.

use crate::names::BindingId;
use crate::reader::{self, Problems, Reader};
use serde_json::Value;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// What a request with these properties would find.
    Check(Proposal),
    /// What such a request would find and do.
    Plan(Proposal),
    /// How a binding is, or how all bindings of the Region are.
    Status(Option<BindingId>),
}

/// The properties of a request that was not sent, and the binding that it would be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub properties: Value,
    /// The stack's ARN and the resource's logical id, from which the binding's id follows.
    pub resource: Option<(String, String)>,
    /// The binding, if it exists already.
    pub binding: Option<BindingId>,
}

const ALLOWED_ACTIONS: &str = "Check, Plan or Status";

impl Action {
    /// Reads the event.
    ///
    /// # Errors
    /// All that is wrong with it at once.
    pub fn parse(event: &Value) -> Result<Self, ActionError> {
        let mut problems = Problems::default();
        match read(event, &mut problems) {
            Some(action) if problems.is_empty() => Ok(action),
            _ => Err(ActionError(problems)),
        }
    }
}

fn read(event: &Value, problems: &mut Problems) -> Option<Action> {
    let mut reader = Reader::open(String::new(), event, problems)?;
    // It is a secret, so it must not get into an error's text.
    reader.ignore("ResponseURL");
    let action = reader.required("Action", |value| match value.as_str() {
        Some("Check") => Ok(Some(Action::Check as fn(Proposal) -> Action)),
        Some("Plan") => Ok(Some(Action::Plan as fn(Proposal) -> Action)),
        Some("Status") => Ok(None),
        _ => Err(ALLOWED_ACTIONS.to_owned()),
    });
    let binding = reader.optional("PhysicalResourceId", binding);
    let Some(dry_run) = action? else {
        reader.close();
        return Some(Action::Status(binding));
    };
    let properties = reader.required("ResourceProperties", |value| match value {
        Value::Object(_) => Ok(value.clone()),
        _ => Err("an object with the properties of Custom::AlbNlbBinding".to_owned()),
    });
    let (stack, logical) = ("StackId", "LogicalResourceId");
    let resource = match reader.has(stack) || reader.has(logical) {
        false => None,
        true => {
            let stack_id = reader.required(stack, |value| text(value, "the stack's ARN"));
            let logical_id = reader.required(logical, |value| text(value, "the resource's name"));
            stack_id.zip(logical_id)
        }
    };
    reader.close();
    Some(dry_run(Proposal {
        properties: properties?,
        resource,
        binding,
    }))
}

fn binding(value: &Value) -> Result<BindingId, String> {
    let id = value.as_str().and_then(BindingId::parse);
    id.ok_or_else(|| "the physical id of a binding: alb-nlb-binding- and 16 hex digits".to_owned())
}

fn text(value: &Value, what: &str) -> Result<String, String> {
    reader::text(value)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| what.to_owned())
}

impl Proposal {
    /// The id of the binding. If neither a resource nor a binding is named, it is an id that no binding has.
    pub(super) fn id(&self) -> BindingId {
        let nlb_arn = self.nlb_arn().unwrap_or_default();
        match (&self.resource, &self.binding) {
            (Some((stack_id, logical_id)), _) => BindingId::derive(stack_id, logical_id, nlb_arn),
            (None, Some(id)) => id.clone(),
            (None, None) => BindingId::derive("", "", nlb_arn),
        }
    }

    pub(super) fn nlb_arn(&self) -> Option<&str> {
        self.properties.get("NlbArn").and_then(Value::as_str)
    }

    /// Whether the question names the binding, or the resource from which its id follows.
    pub(super) fn names_a_binding(&self) -> bool {
        self.resource.is_some() || self.binding.is_some()
    }
}

/// A question that is not understood.
#[derive(Debug, thiserror::Error)]
#[error("the event's Action cannot be done: {0}")]
pub struct ActionError(Problems);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "alb-nlb-binding-0123456789abcdef";

    #[test]
    fn a_status_is_of_one_binding_or_of_all() {
        let id = BindingId::parse(ID);
        assert_eq!(
            Action::parse(&json!({"Action": "Status", "PhysicalResourceId": ID})).expect("good"),
            Action::Status(id)
        );
        let all = Action::parse(&json!({"Action": "Status"})).expect("good");
        assert_eq!(all, Action::Status(None));
    }

    #[test]
    fn a_plan_is_of_a_resource_of_a_binding_or_of_one_to_come() {
        let plan = |changes: Value| {
            let mut event = json!({"Action": "Plan", "ResourceProperties": {"NlbArn": "arn:nlb"}});
            for (name, value) in changes.as_object().expect("an object") {
                event[name] = value.clone();
            }
            match Action::parse(&event).expect("good") {
                Action::Plan(proposal) => proposal,
                other => panic!("{other:?}"),
            }
        };
        let resource = json!({"StackId": "arn:stack", "LogicalResourceId": "Binding"});
        let derived = BindingId::derive("arn:stack", "Binding", "arn:nlb");
        assert_eq!(plan(resource).id(), derived);
        let of_binding = plan(json!({"PhysicalResourceId": ID}));
        assert_eq!(of_binding.id().to_string(), ID);
        assert!(!plan(json!({})).names_a_binding());
    }

    #[test]
    fn all_that_is_wrong_with_an_event_is_told_at_once() {
        for (event, told) in [
            (
                json!({"Action": "Repair"}),
                "Action: given \"Repair\", allowed is Check, Plan or Status",
            ),
            (
                json!({"Action": "Status", "PhysicalResourceId": "orders"}),
                "PhysicalResourceId: given \"orders\", allowed is the physical id of a binding: alb-nlb-binding- and \
                 16 hex digits",
            ),
            (
                json!({"Action": "Check", "StackId": "arn:stack", "Port": 80}),
                "ResourceProperties: given nothing, allowed is an object with the properties of \
                 Custom::AlbNlbBinding; LogicalResourceId: given nothing, allowed is the resource's name; Port: given \
                 80, allowed is no such property; there are Action, LogicalResourceId, PhysicalResourceId, \
                 ResourceProperties, StackId",
            ),
        ] {
            let error = Action::parse(&event).expect_err("wrong");
            assert_eq!(
                error.to_string(),
                format!("the event's Action cannot be done: {told}")
            );
        }
    }
}
