//! All that is asked of AWS. `api` says what is asked, in the product's own types. `sdk` asks it by the AWS SDK, and
//! no file outside of `sdk` knows the SDK.

pub mod api;
pub mod sdk;
