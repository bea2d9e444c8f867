//! The remedy that many problems have.

/// CloudFormation sends an Update only if a property changes.
pub(super) const BY_UPDATE: &str = "an Update of the stack puts it right, with a change of any property, such as 51 for \
                                    MaxLookupsPerInvocation";
