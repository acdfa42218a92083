//! A file in `MaxMind`'s format, as small as one can be: Japan is 0.0.0.0/1, Germany 128.0.0.0/2, the rest is nowhere.

fn text(value: &str) -> Vec<u8> {
    [&[0x40 | u8::try_from(value.len()).expect("short")], value.as_bytes()].concat()
}

fn country(code: &str) -> Vec<u8> {
    [vec![0xe1], text("country"), vec![0xe1], text("iso_code"), text(code)].concat()
}

pub(crate) fn file() -> Vec<u8> {
    file_of("JP", "DE")
}

/// The same with other countries in these places.
pub(crate) fn file_of(lower: &str, upper: &str) -> Vec<u8> {
    const NODES: u32 = 2;
    let (japan, germany) = (country(lower), country(upper));
    let data = |offset: usize| NODES + 16 + u32::try_from(offset).expect("short");
    // Records of 24 bits, two a node: the next node, the number of nodes for "nothing", or a place in the data.
    let records = [data(0), 1, data(japan.len()), NODES];
    let tree: Vec<u8> = records.iter().flat_map(|record| record.to_be_bytes()[1..].to_vec()).collect();
    let metadata = [
        vec![0xe9],
        [text("binary_format_major_version"), vec![0xa1, 2]].concat(),
        [text("binary_format_minor_version"), vec![0xa0]].concat(),
        [text("build_epoch"), vec![0x01, 0x02, 1]].concat(),
        [text("database_type"), text("Test-Country")].concat(),
        [text("description"), vec![0xe0]].concat(),
        [text("ip_version"), vec![0xa1, 4]].concat(),
        [text("languages"), vec![0x00, 0x04]].concat(),
        [text("node_count"), vec![0xc1, 2]].concat(),
        [text("record_size"), vec![0xa1, 24]].concat(),
    ]
    .concat();
    [tree, vec![0; 16], japan, germany, b"\xab\xcd\xefMaxMind.com".to_vec(), metadata].concat()
}

#[test]
fn the_file_is_what_a_reader_expects() {
    let reader = maxminddb::Reader::from_source(file()).unwrap();
    let code = |address: &str| -> Option<String> {
        let found = reader.lookup(address.parse().unwrap()).unwrap();
        found.decode_path(&maxminddb::path!["country", "iso_code"]).unwrap()
    };
    assert_eq!(code("1.2.3.4").as_deref(), Some("JP"));
    assert_eq!(code("150.0.0.1").as_deref(), Some("DE"));
    assert_eq!(code("200.0.0.1"), None);
}
