//! All that is asked of AWS: `api` says what, in the product's own types, and `sdk` asks by the AWS SDK, which
//! nothing outside that folder knows.

pub mod api;
pub mod sdk;
