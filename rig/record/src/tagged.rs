//! Hands a kind and the raw text of a body to the enums of the model as the map `{"kind": …, "body": …}` that they expect,
//! without building that map.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Tagged<'de> {
    pub(crate) kind: &'de str,
    /// JSON text; absent for kinds without a body.
    pub(crate) body: Option<&'de str>,
}

impl<'de> Deserializer<'de> for Tagged<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { tagged: self, next: Next::Kind })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'de> {
    tagged: Tagged<'de>,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    Kind,
    Body,
    End,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let key = match self.next {
            Next::Kind => "kind",
            Next::Body if self.tagged.body.is_some() => "body",
            Next::Body | Next::End => return Ok(None),
        };
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.next {
            Next::Kind => {
                self.next = Next::Body;
                seed.deserialize(BorrowedStrDeserializer::new(self.tagged.kind))
            }
            Next::Body | Next::End => {
                self.next = Next::End;
                seed.deserialize(&mut serde_json::Deserializer::from_str(self.tagged.body.unwrap_or("null")))
            }
        }
    }
}
