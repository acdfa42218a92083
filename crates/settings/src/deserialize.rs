//! Reads the merged layers into the service's own types.
//!
//! `config` can do this too, but its errors print the value that did not fit (it may be a secret), it rounds 8080.6 to a
//! port, and it leaves unknown keys to the attributes of each type. Here every failure names the key and the layer and
//! never the value, and a key that a struct does not have is a failure whether or not its author thought of
//! `deny_unknown_fields`.
//!
//! Texts are read as what the type asks for (the environment knows only texts): `8080` as a number, `true` and `false`
//! as booleans, `a, b` as a list. An empty text is "not set" for an optional key.

use std::cell::RefCell;

use config::{Map, Value, ValueKind};
use serde::{
    Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};

use crate::{
    fault::{Fault, joined},
    problems::Problem,
};

/// A value with its place in the tree.
pub(crate) struct Node<'a> {
    key: String,
    value: Value,
    /// Unknown keys are collected on the side, so that one start shows them all.
    unknown: &'a RefCell<Vec<Problem>>,
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: Value, unknown: &'a RefCell<Vec<Problem>>) -> Self {
        Self { key: String::new(), value, unknown }
    }

    fn kind(&self) -> &'static str {
        match self.value.kind {
            ValueKind::Nil => "nothing",
            ValueKind::Boolean(_) => "a boolean",
            ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => {
                "a whole number"
            }
            ValueKind::Float(_) => "a number with a fraction",
            ValueKind::String(_) => "a text",
            ValueKind::Table(_) => "a table",
            ValueKind::Array(_) => "a list",
        }
    }

    fn text(&self) -> Option<&str> {
        if let ValueKind::String(text) = &self.value.kind { Some(text) } else { None }
    }

    fn must_be(&self, expected: &str) -> Fault {
        self.located(Fault::Wrong(format!("must be {expected}, is {}", self.kind())))
    }

    fn located(&self, fault: Fault) -> Fault {
        fault.locate(&self.key, self.value.origin())
    }

    fn whole_number(&self, expected: &str) -> Result<i128, Fault> {
        match &self.value.kind {
            ValueKind::I64(number) => Ok(i128::from(*number)),
            ValueKind::U64(number) => Ok(i128::from(*number)),
            ValueKind::I128(number) => Ok(*number),
            ValueKind::String(text) => text.trim().parse().map_err(|_not_a_number| self.must_be(expected)),
            ValueKind::Nil
            | ValueKind::Boolean(_)
            | ValueKind::U128(_)
            | ValueKind::Float(_)
            | ValueKind::Table(_)
            | ValueKind::Array(_) => Err(self.must_be(expected)),
        }
    }

    /// Runs a visitor with this node's value taken out and its faults located here.
    fn visit<T>(self, visit: impl FnOnce(ValueKind, Place<'a, '_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let Value { kind, .. } = self.value.clone();
        let place = Place { key: &self.key, unknown: self.unknown };
        visit(kind, place).map_err(|fault| self.located(fault))
    }
}

/// Where the children of a node lie.
#[derive(Clone, Copy)]
struct Place<'a, 'k> {
    key: &'k str,
    unknown: &'a RefCell<Vec<Problem>>,
}

impl<'a> Place<'a, '_> {
    fn child(self, name: &str, value: Value) -> Node<'a> {
        Node { key: joined(self.key, name), value, unknown: self.unknown }
    }

    fn item(self, index: usize, value: Value) -> Node<'a> {
        Node { key: format!("{}[{index}]", self.key), value, unknown: self.unknown }
    }

    fn table<'de, V: Visitor<'de>>(self, table: Map<String, Value>, visitor: V) -> Result<V::Value, Fault> {
        let nodes = table.into_iter().map(|(name, value)| {
            let node = self.child(&name, value);
            (name, node)
        });
        visitor.visit_map(Table { nodes: nodes.collect::<Vec<_>>().into_iter(), next: None })
    }

    fn list<'de, V: Visitor<'de>>(self, items: Vec<Value>, visitor: V) -> Result<V::Value, Fault> {
        let nodes = items.into_iter().enumerate().map(|(index, value)| self.item(index, value));
        visitor.visit_seq(List { nodes: nodes.collect::<Vec<_>>().into_iter() })
    }
}

struct Table<'a> {
    nodes: std::vec::IntoIter<(String, Node<'a>)>,
    next: Option<Node<'a>>,
}

impl<'de> de::MapAccess<'de> for Table<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((name, node)) = self.nodes.next() else { return Ok(None) };
        let located = |fault: Fault| fault.locate(&node.key, node.value.origin());
        let name = seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(name)).map_err(located)?;
        self.next = Some(node);
        Ok(Some(name))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let node = self
            .next
            .take()
            .ok_or_else(|| Fault::Wrong("a value was asked for before its key".to_owned()))?;
        seed.deserialize(node)
    }
}

struct List<'a> {
    nodes: std::vec::IntoIter<Node<'a>>,
}

impl<'de> de::SeqAccess<'de> for List<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.nodes.next().map(|node| seed.deserialize(node)).transpose()
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let expected = format!("a whole number from {} to {}", <$number>::MIN, <$number>::MAX);
            let number = <$number>::try_from(self.whole_number(&expected)?)
                .map_err(|_out_of_range| self.located(Fault::Wrong(format!("must be {expected}"))))?;
            visitor.$visit(number).map_err(|fault| self.located(fault))
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Fault;

    whole_numbers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit(|kind, place| match kind {
            ValueKind::Nil => visitor.visit_unit(),
            ValueKind::Boolean(value) => visitor.visit_bool(value),
            ValueKind::I64(value) => visitor.visit_i64(value),
            ValueKind::I128(value) => visitor.visit_i128(value),
            ValueKind::U64(value) => visitor.visit_u64(value),
            ValueKind::U128(value) => visitor.visit_u128(value),
            ValueKind::Float(value) => visitor.visit_f64(value),
            ValueKind::String(text) => visitor.visit_string(text),
            ValueKind::Table(table) => place.table(table, visitor),
            ValueKind::Array(items) => place.list(items, visitor),
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = if let ValueKind::Boolean(value) = self.value.kind {
            Some(value)
        } else {
            self.text().and_then(|text| text.trim().parse().ok())
        };
        visitor.visit_bool(value.ok_or_else(|| self.must_be("true or false"))?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = if let ValueKind::Float(value) = self.value.kind {
            Some(value)
        } else if let ValueKind::I64(whole) = self.value.kind {
            whole.to_string().parse().ok()
        } else {
            self.text().and_then(|text| text.trim().parse().ok())
        };
        visitor.visit_f64(value.ok_or_else(|| self.must_be("a number"))?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.value.kind, ValueKind::String(_)) {
            return Err(self.must_be("a text"));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.value.kind == ValueKind::Nil || self.text().is_some_and(str::is_empty) {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (key, origin) = (self.key.clone(), self.value.origin().map(str::to_owned));
        visitor.visit_newtype_struct(self).map_err(|fault| fault.locate(&key, origin.as_deref()))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let ValueKind::String(text) = &self.value.kind else {
            return if matches!(self.value.kind, ValueKind::Array(_)) {
                self.deserialize_any(visitor)
            } else {
                Err(self.must_be("a list"))
            };
        };
        let origin = self.value.origin().map(str::to_owned);
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let items = parts.map(|part| Value::new(origin.as_ref(), part)).collect();
        self.visit(|_kind, place| place.list(items, visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.value.kind, ValueKind::Table(_)) {
            return Err(self.must_be("a table"));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if !matches!(self.value.kind, ValueKind::Table(_)) {
            return Err(self.must_be("a table"));
        }
        self.visit(|kind, place| {
            let ValueKind::Table(table) = kind else {
                return Err(Fault::Wrong("must be a table".to_owned()));
            };
            let (known, unknown): (Map<_, _>, Map<_, _>) =
                table.into_iter().partition(|(name, _value)| fields.contains(&name.as_str()));
            for (name, value) in unknown {
                place.unknown.borrow_mut().push(Problem {
                    key: joined(place.key, &name),
                    what: format!("is not a setting; known here: {}", fields.join(", ")),
                    origin: first_origin(&value),
                });
            }
            place.table(known, visitor)
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let ValueKind::String(text) = &self.value.kind else {
            return Err(self.must_be(&format!("one of: {}", variants.join(", "))));
        };
        let variant: de::value::StringDeserializer<Fault> = text.clone().into_deserializer();
        visitor.visit_enum(variant).map_err(|fault| self.located(fault))
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A table that was merged from several layers has no origin of its own; its first value has one.
fn first_origin(value: &Value) -> Option<String> {
    if let ValueKind::Table(table) = &value.kind {
        table.values().find_map(first_origin)
    } else {
        value.origin().map(str::to_owned)
    }
}
