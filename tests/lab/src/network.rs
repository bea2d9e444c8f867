//! VPCs, subnets and load balancers to bind, made through the gateway as anyone would make them.
//! It makes nothing that a binding makes: no target groups, and no listeners of the NLB.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result, bail};

use crate::api::Api;
use crate::lab::Lab;
use crate::spec::{AlbSpec, NlbSpec, ZONES};

/// The first addresses of load balancers in a subnet. The first few of a subnet are AWS's own.
const NLB_HOST: u16 = 10;
const ALB_HOST: u16 = 64;

/// A VPC `10.<number>.0.0/16` with a subnet in each zone.
#[derive(Clone, Debug)]
pub struct Vpc {
    pub id: String,
    pub subnets: Vec<Subnet>,
    number: u8,
    nlbs: Arc<AtomicU16>,
}

/// `10.<number>.<zone × 16>.0/20`
#[derive(Clone, Debug)]
pub struct Subnet {
    pub id: String,
    pub zone: &'static str,
    index: u8,
}

impl Vpc {
    pub fn subnet(&self, zone: &str) -> Result<&Subnet> {
        self.subnets
            .iter()
            .find(|subnet| subnet.zone == zone)
            .with_context(|| format!("no subnet in {zone}"))
    }

    /// An address in a zone's subnet.
    fn address(&self, subnet: &Subnet, host: u16) -> Ipv4Addr {
        let [high, low] = host.to_be_bytes();
        Ipv4Addr::new(10, self.number, subnet.index * 16 + high, low)
    }
}

#[derive(Clone, Debug)]
pub struct Alb {
    pub arn: String,
    pub name: String,
    pub dns_name: String,
    pub zones: Vec<&'static str>,
    pub vpc: Vpc,
}

impl Alb {
    /// The first addresses of the ALB, spread over its zones. They are always the same: a longer list
    /// begins with the shorter ones.
    pub fn addresses(&self, count: usize) -> Vec<Ipv4Addr> {
        self.addresses_after(0, count)
    }

    /// Addresses beyond those of `addresses(skipped)`.
    pub fn addresses_after(&self, skipped: usize, count: usize) -> Vec<Ipv4Addr> {
        let subnets: Vec<&Subnet> = self
            .vpc
            .subnets
            .iter()
            .filter(|subnet| self.zones.contains(&subnet.zone))
            .collect();
        let address = |index: usize| {
            let host = ALB_HOST + u16::try_from(index / subnets.len()).unwrap_or_default();
            self.vpc.address(subnets[index % subnets.len()], host)
        };
        (skipped..skipped + count).map(address).collect()
    }
}

#[derive(Clone, Debug)]
pub struct Nlb {
    pub arn: String,
    pub name: String,
    /// One address in each zone.
    pub addresses: Vec<Ipv4Addr>,
    pub vpc: Vpc,
}

/// An ALB and the NLB to bind it to.
#[derive(Clone, Debug)]
pub struct AlbAndNlb {
    pub alb: Alb,
    pub nlb: Nlb,
}

impl Lab {
    pub async fn vpc(&self) -> Result<Vpc> {
        let api = self.api()?;
        let number = u8::try_from(self.next_network()).context("no more networks")?;
        let cidr = format!("10.{number}.0.0/16");
        let made = api
            .query("ec2", "CreateVpc", &[("CidrBlock", &cidr)])
            .await?;
        let id = made.find("vpcId").context("an id")?.text.clone();
        let mut subnets = Vec::new();
        for (index, zone) in (0_u8..).zip(ZONES) {
            let cidr = format!("10.{number}.{}.0/20", index * 16);
            let params = [
                ("VpcId", id.as_str()),
                ("CidrBlock", &cidr),
                ("AvailabilityZone", zone),
            ];
            let made = api.query("ec2", "CreateSubnet", &params).await?;
            subnets.push(Subnet {
                id: made.find("subnetId").context("an id")?.text.clone(),
                zone,
                index,
            });
        }
        Ok(Vpc {
            id,
            subnets,
            number,
            nlbs: Arc::default(),
        })
    }

    pub async fn alb(&self, vpc: &Vpc, spec: &AlbSpec) -> Result<Alb> {
        let api = self.api()?;
        let mut params = vec![
            ("Name".to_owned(), spec.name.clone()),
            ("Scheme".to_owned(), spec.scheme.to_owned()),
        ];
        for (number, zone) in (1..).zip(&spec.zones) {
            params.push((
                format!("Subnets.member.{number}"),
                vpc.subnet(zone)?.id.clone(),
            ));
        }
        let (arn, dns_name) = create(&api, &params).await?;
        for port in &spec.ports {
            let port = port.to_string();
            let params = [
                ("LoadBalancerArn", arn.as_str()),
                ("Protocol", "HTTP"),
                ("Port", &port),
                ("DefaultActions.member.1.Type", "fixed-response"),
                (
                    "DefaultActions.member.1.FixedResponseConfig.StatusCode",
                    "200",
                ),
            ];
            api.query("elasticloadbalancing", "CreateListener", &params)
                .await?;
        }
        if let Some(seconds) = spec.idle_timeout_seconds {
            attribute(
                &api,
                &arn,
                "idle_timeout.timeout_seconds",
                &seconds.to_string(),
            )
            .await?;
        }
        Ok(Alb {
            arn,
            name: spec.name.clone(),
            dns_name,
            zones: spec.zones.clone(),
            vpc: vpc.clone(),
        })
    }

    pub async fn nlb(&self, vpc: &Vpc, spec: &NlbSpec) -> Result<Nlb> {
        let api = self.api()?;
        let mut params = [
            ("Name", spec.name.as_str()),
            ("Scheme", "internal"),
            ("Type", "network"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let mut addresses = Vec::new();
        // No two NLBs have the same address.
        let host = NLB_HOST + vpc.nlbs.fetch_add(1, Ordering::Relaxed);
        for (number, zone) in (1..).zip(&spec.zones) {
            let subnet = vpc.subnet(zone)?;
            let address = vpc.address(subnet, host);
            params.push((
                format!("SubnetMappings.member.{number}.SubnetId"),
                subnet.id.clone(),
            ));
            params.push((
                format!("SubnetMappings.member.{number}.PrivateIPv4Address"),
                address.to_string(),
            ));
            addresses.push(address);
        }
        let (arn, _) = create(&api, &params).await?;
        if spec.cross_zone {
            attribute(&api, &arn, "load_balancing.cross_zone.enabled", "true").await?;
        }
        Ok(Nlb {
            arn,
            name: spec.name.clone(),
            addresses,
            vpc: vpc.clone(),
        })
    }

    /// An ALB and an NLB, in one new VPC or in two.
    pub async fn load_balancers(&self, alb: &AlbSpec, nlb: &NlbSpec) -> Result<AlbAndNlb> {
        let vpc = self.vpc().await?;
        let own_vpc = if nlb.own_vpc {
            self.vpc().await?
        } else {
            vpc.clone()
        };
        Ok(AlbAndNlb {
            alb: self.alb(&vpc, alb).await?,
            nlb: self.nlb(&own_vpc, nlb).await?,
        })
    }
}

/// The ARN and the DNS name of a new load balancer.
async fn create(api: &Api, params: &[(String, String)]) -> Result<(String, String)> {
    let params: Vec<(&str, &str)> = params
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let made = api
        .query("elasticloadbalancing", "CreateLoadBalancer", &params)
        .await?;
    match made.list("LoadBalancers") {
        [made] => Ok((
            made.text_of("LoadBalancerArn").to_owned(),
            made.text_of("DNSName").to_owned(),
        )),
        other => bail!("{} load balancers instead of one", other.len()),
    }
}

async fn attribute(api: &Api, load_balancer: &str, key: &str, value: &str) -> Result<()> {
    let params = [
        ("LoadBalancerArn", load_balancer),
        ("Attributes.member.1.Key", key),
        ("Attributes.member.1.Value", value),
    ];
    api.query(
        "elasticloadbalancing",
        "ModifyLoadBalancerAttributes",
        &params,
    )
    .await?;
    Ok(())
}
