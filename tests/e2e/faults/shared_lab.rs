//! What all sites of a test share: one lab, its network and clients.

use anyhow::Result;
use lab::{Lab, Vpc};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

pub struct SharedLab {
    pub lab: Arc<Lab>,
    pub vpc: Vpc,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub events: aws_sdk_eventbridge::Client,
    pub s3: aws_sdk_s3::Client,
    /// How many sites there are so far.
    pub sites: AtomicUsize,
}

impl SharedLab {
    pub async fn new() -> Result<Arc<Self>> {
        let lab = Arc::new(Lab::start().await?);
        let config = lab.aws();
        Ok(Arc::new(Self {
            vpc: lab.vpc().await?,
            elb: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            sites: AtomicUsize::new(0),
            lab,
        }))
    }
}
