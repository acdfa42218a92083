//! A request made once. Each sending differs from all others in sixteen hexadecimal digits.

/// Stands in a request's text for the number of the sending.
pub const SLOT: &str = "################";
/// Most clicks come from phones.
const BROWSER: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                       (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

/// The bytes of a request with the place of its number.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    slot: usize,
}

impl Template {
    /// Takes a whole request that holds [`SLOT`] once.
    ///
    /// # Panics
    /// When it does not.
    pub fn new(request: &str) -> Self {
        let slot = request.find(SLOT).expect("a request has a place for its number");
        Self { bytes: request.as_bytes().to_vec(), slot }
    }

    /// A [`plain_get`](Self::plain_get) whose target holds [`SLOT`].
    pub fn get(host: &str, target: &str) -> Self {
        Self::new(&get(host, target))
    }

    /// A `GET` as a user's browser sends it; its target holds [`SLOT`].
    pub fn browse(host: &str, target: &str) -> Self {
        Self::new(&format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {BROWSER}\r\n\
             Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
             Accept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n\r\n"
        ))
    }

    /// A `GET` as AppsFlyer sends it, few headers and a long query, that is sent once.
    pub fn plain_get(host: &str, target: &str) -> Vec<u8> {
        get(host, target).into_bytes()
    }

    /// The request with its number.
    pub fn stamped(&mut self, number: u64) -> &[u8] {
        let digits = &mut self.bytes[self.slot..self.slot + SLOT.len()];
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (4 * place)) as usize & 15];
        }
        &self.bytes
    }
}

fn get(host: &str, target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Apache-HttpClient/4.5 (Java/17)\r\nAccept: */*\r\n\
         Connection: keep-alive\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_takes_the_place_of_the_slot() {
        let mut template = Template::new(&format!("GET /?n={SLOT}&x=1"));
        assert_eq!(template.stamped(0xab1), b"GET /?n=0000000000000ab1&x=1");
        assert_eq!(template.stamped(u64::MAX), b"GET /?n=ffffffffffffffff&x=1");
    }
}
