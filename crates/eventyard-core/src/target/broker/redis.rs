//! A stream of Redis: `redis://host/orders?maxlen=100000&db=2`.

use super::super::text_template::TextTemplate;
use super::url::BrokerUrl;

/// A stream that events are added to.
#[derive(Debug)]
pub struct RedisStream {
    /// The stream's key.
    pub key: TextTemplate,
    /// About how many entries the stream keeps; none for all.
    pub length_max: Option<u64>,
    /// The number of the database, 0 to 65,535.
    pub database: u16,
}

impl RedisStream {
    pub(super) fn parse(url: &mut BrokerUrl<'_>) -> Result<Self, &'static str> {
        let key = TextTemplate::parse(url.path)?;
        if key.with("x").is_empty() {
            return Err("names no stream");
        }
        let length_max = url.take("maxlen").map(str::parse).transpose();
        let database = url.take("db").map_or(Ok(0), str::parse);
        Ok(Self {
            key,
            length_max: length_max
                .ok()
                .filter(|length| *length != Some(0))
                .ok_or("has a maxlen that is not a number from 1")?,
            database: database.map_err(|_| "has a db that is not a number from 0 to 65535")?,
        })
    }
}
