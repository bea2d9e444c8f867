//! Names of DNS, and the load balancers that they are of.

/// The key of a DNS name in `DnsContents`: the name of the load balancer that it is of, or else itself.
pub(super) fn key_of(name: &str) -> &str {
    load_balancer_of(name).unwrap_or(name.trim_end_matches('.'))
}

/// The name of the load balancer in its DNS name: `orders` in
/// `orders-1a2b3c4d.us-east-1.elb.amazonaws.com`, and in AWS's own
/// `internal-orders-1234567890.us-east-1.elb.amazonaws.com`.
pub(super) fn load_balancer_of(name: &str) -> Option<&str> {
    let (label, domain) = name.split_once('.')?;
    if !domain.trim_end_matches('.').ends_with(".elb.amazonaws.com") {
        return None;
    }
    let (load_balancer, _) = label.rsplit_once('-')?;
    Some(
        load_balancer
            .strip_prefix("internal-")
            .unwrap_or(load_balancer),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_balancer_is_found_by_its_dns_name() {
        assert_eq!(
            load_balancer_of("my-app-1a2b3c4d.us-east-1.elb.amazonaws.com."),
            Some("my-app")
        );
        assert_eq!(
            load_balancer_of("internal-my-app-123.us-east-1.elb.amazonaws.com"),
            Some("my-app")
        );
        assert_eq!(load_balancer_of("example.com."), None);
        assert_eq!(key_of("example.com."), "example.com");
    }
}
