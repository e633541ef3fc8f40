//! Where in this kernel's structures is a field? A reader of the BTF that the kernel ships.
//!
//! Only what that question needs is kept. The crates that parse BTF take half a second for a
//! kernel, which is more than the whole start may take.
//! Source: `include/uapi/linux/btf.h` and `Documentation/bpf/btf.rst`.

use bytes::Buf;
use rustc_hash::FxHashMap;

/// The path at which kernels show their types.
#[cfg(test)]
pub(super) const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u16 = 0xeb9f;
const HEADER_SIZE: usize = 24;

/// Why BTF could not answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BtfError {
    /// Not BTF, or cut off.
    #[error("the kernel's type information is damaged at byte {0}")]
    Damaged(usize),
    /// A newer format.
    #[error("the kernel's type information has a kind {kind} that this program does not know")]
    UnknownKind {
        /// Number of the kind.
        kind: u32,
    },
    /// The kernel has no such field.
    #[error("this kernel's type information has no `{0}`")]
    Missing(String),
}

/// Types of a kernel, by name and number.
#[derive(Debug)]
pub(super) struct Btf<'a> {
    strings: &'a [u8],
    types: Vec<Type<'a>>,
    structs: FxHashMap<&'a [u8], u32>,
    functions: FxHashMap<&'a [u8], u32>,
    enumerations: FxHashMap<&'a [u8], u32>,
}

#[derive(Clone, Copy, Debug)]
struct Type<'a> {
    kind: Kind,
    /// `kind_flag`: member offsets carry bit-field sizes.
    flag: bool,
    /// Referenced type, or size.
    reference: u32,
    /// Members or parameters.
    tail: &'a [u8],
}

/// Kinds that matter; the numbers are those of the UAPI header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Aggregate,
    Alias,
    Function,
    Prototype,
    Enumeration,
    Other,
}

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Offset in bits from the start of the outermost structure.
    pub(super) bit_offset: u32,
    /// Size in bits if it is a bit field.
    pub(super) bit_size: Option<u32>,
}

impl<'a> Btf<'a> {
    /// Indexes the types in `data`.
    ///
    /// # Errors
    /// If `data` is not BTF, is cut off, or holds kinds that are not known.
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, BtfError> {
        let (types, strings) = sections(data)?;
        let mut btf = Self {
            strings,
            types: vec![VOID],
            structs: FxHashMap::default(),
            functions: FxHashMap::default(),
            enumerations: FxHashMap::default(),
        };
        let mut rest = types;
        while !rest.is_empty() {
            let at = data.len() - rest.len();
            rest = btf
                .take_type(rest)
                .map_err(|error| error.unwrap_or(BtfError::Damaged(at)))?;
        }
        Ok(btf)
    }

    /// Takes one type off `rest`. `Err(None)` is a cut.
    fn take_type(&mut self, mut rest: &'a [u8]) -> Result<&'a [u8], Option<BtfError>> {
        let name = rest.try_get_u32_le().map_err(|_short| None)?;
        let info = rest.try_get_u32_le().map_err(|_short| None)?;
        let reference = rest.try_get_u32_le().map_err(|_short| None)?;
        // Newer kernels widen both: 24 bits of length, 7 bits of kind. Older ones leave them zero.
        let (length, kind) = ((info & 0x00ff_ffff) as usize, info >> 24 & 0x7f);
        let (kind, tail_size) = match kind {
            4 | 5 => (Kind::Aggregate, length * 12),
            8..=11 | 18 => (Kind::Alias, 0),
            12 => (Kind::Function, 0),
            13 => (Kind::Prototype, length * 8),
            2 | 7 | 16 => (Kind::Other, 0),
            1 | 14 | 17 => (Kind::Other, 4),
            3 => (Kind::Other, 12),
            6 => (Kind::Enumeration, length * 8),
            15 | 19 => (Kind::Other, length * 12),
            kind => return Err(Some(BtfError::UnknownKind { kind })),
        };
        let (tail, rest) = rest.split_at_checked(tail_size).ok_or(None)?;
        let id = u32::try_from(self.types.len()).map_err(|_too_many| None)?;
        if kind == Kind::Aggregate {
            self.structs.entry(self.name(name)).or_insert(id);
        } else if kind == Kind::Function {
            self.functions.insert(self.name(name), id);
        } else if kind == Kind::Enumeration {
            self.enumerations.entry(self.name(name)).or_insert(id);
        }
        self.types.push(Type {
            kind,
            flag: info >> 31 == 1,
            reference,
            tail,
        });
        Ok(rest)
    }

    fn name(&self, offset: u32) -> &'a [u8] {
        let bytes = self.strings.get(offset as usize..).unwrap_or_default();
        bytes.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// Finds `path` (members separated by dots, through anonymous ones) in `struct name`.
    ///
    /// # Errors
    /// [`BtfError::Missing`] if this kernel has no such structure or member.
    pub(super) fn field(&self, name: &str, path: &str) -> Result<Field, BtfError> {
        let missing = || BtfError::Missing(format!("{name}.{path}"));
        let mut id = *self.structs.get(name.as_bytes()).ok_or_else(missing)?;
        let mut found = Field {
            bit_offset: 0,
            bit_size: None,
        };
        for member in path.split('.') {
            let (field, inner) = self.member(id, member.as_bytes(), 0).ok_or_else(missing)?;
            found = Field {
                bit_offset: found.bit_offset + field.bit_offset,
                ..field
            };
            id = inner;
        }
        Ok(found)
    }

    /// The same in bytes: of a bit field, where the byte is that it begins in.
    ///
    /// # Errors
    /// Those of [`Self::field`].
    pub(super) fn offset(&self, name: &str, path: &str) -> Result<u32, BtfError> {
        self.field(name, path).map(|field| field.bit_offset / 8)
    }

    /// Number of parameters of a function, or `None` if this kernel has no such function.
    pub(super) fn parameter_count(&self, function: &str) -> Option<usize> {
        let function = self
            .types
            .get(*self.functions.get(function.as_bytes())? as usize)?;
        let prototype = self.types.get(function.reference as usize)?;
        (prototype.kind == Kind::Prototype).then_some(prototype.tail.len() / 8)
    }

    /// Names and values of an enumeration of 32 bits; none if this kernel has no such enumeration.
    pub(super) fn enumerators(&self, name: &str) -> impl Iterator<Item = (&'a [u8], u32)> {
        let id = self.enumerations.get(name.as_bytes());
        let tail = id
            .and_then(|&id| self.types.get(id as usize))
            .map_or(&[][..], |found| found.tail);
        tail.chunks_exact(8)
            .map(|mut one| (self.name(one.get_u32_le()), one.get_u32_le()))
    }

    /// A member of an aggregate and its type; looks into anonymous members, to a bounded depth.
    fn member(&self, id: u32, wanted: &[u8], depth: u32) -> Option<(Field, u32)> {
        let aggregate = self.resolve(id)?;
        if aggregate.kind != Kind::Aggregate || depth > 16 {
            return None;
        }
        aggregate.tail.chunks_exact(12).find_map(|mut member| {
            let name = self.name(member.get_u32_le());
            let inner = member.get_u32_le();
            let offset = member.get_u32_le();
            let field = match (aggregate.flag, offset >> 24) {
                (true, 0) => Field {
                    bit_offset: offset & 0x00ff_ffff,
                    bit_size: None,
                },
                (true, size) => Field {
                    bit_offset: offset & 0x00ff_ffff,
                    bit_size: Some(size),
                },
                (false, _) => Field {
                    bit_offset: offset,
                    bit_size: None,
                },
            };
            if name == wanted {
                return Some((field, inner));
            }
            if !name.is_empty() {
                return None;
            }
            let (deeper, id) = self.member(inner, wanted, depth + 1)?;
            Some((
                Field {
                    bit_offset: field.bit_offset + deeper.bit_offset,
                    ..deeper
                },
                id,
            ))
        })
    }

    /// Follows typedefs and qualifiers, to a bounded depth.
    fn resolve(&self, mut id: u32) -> Option<Type<'a>> {
        for _ in 0..32 {
            let found = *self.types.get(id as usize)?;
            if found.kind != Kind::Alias {
                return Some(found);
            }
            id = found.reference;
        }
        None
    }
}

const VOID: Type<'static> = Type {
    kind: Kind::Other,
    flag: false,
    reference: 0,
    tail: &[],
};

/// The types and the strings of a BTF blob.
fn sections(data: &[u8]) -> Result<(&[u8], &[u8]), BtfError> {
    let mut header = data.get(..HEADER_SIZE).ok_or(BtfError::Damaged(0))?;
    if header.get_u16_le() != MAGIC {
        return Err(BtfError::Damaged(0));
    }
    header.advance(2);
    let header_size = header.get_u32_le() as usize;
    let mut section = || -> Option<&[u8]> {
        let start = header_size.checked_add(header.get_u32_le() as usize)?;
        let end = start.checked_add(header.get_u32_le() as usize)?;
        data.get(start..end)
    };
    let types = section().ok_or(BtfError::Damaged(8))?;
    let strings = section().ok_or(BtfError::Damaged(16))?;
    Ok((types, strings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(types: &[u8], strings: &[u8]) -> Vec<u8> {
        let mut blob = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types.len(), types.len(), strings.len()] {
            blob.extend(u32::try_from(word).unwrap().to_le_bytes());
        }
        blob.extend(types);
        blob.extend(strings);
        blob
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// `struct outer { int a; struct { int b; int c:5; }; }`, names at 1, 7, 9, 11.
    fn outer() -> Vec<u8> {
        let types = words(&[
            0,
            1 << 24,
            4,
            32, // 1: int
            0,
            1 << 31 | 4 << 24 | 2,
            8,
            9,
            1,
            0,
            11,
            1,
            5 << 24 | 32, // 2: anonymous
            1,
            4 << 24 | 2,
            12,
            7,
            1,
            0,
            0,
            2,
            32, // 3: outer
        ]);
        header(&types, b"\0outer\0a\0b\0c\0")
    }

    #[test]
    fn a_field_of_an_anonymous_member_counts_from_the_outermost_structure() {
        let blob = outer();
        let btf = Btf::parse(&blob).unwrap();
        assert_eq!(
            btf.field("outer", "b").unwrap(),
            Field {
                bit_offset: 32,
                bit_size: None
            }
        );
        assert_eq!(
            btf.field("outer", "c").unwrap(),
            Field {
                bit_offset: 64,
                bit_size: Some(5)
            }
        );
    }

    #[test]
    fn a_missing_field_is_named() {
        let blob = outer();
        let btf = Btf::parse(&blob).unwrap();
        assert_eq!(
            btf.field("outer", "z"),
            Err(BtfError::Missing("outer.z".into()))
        );
        assert_eq!(
            btf.field("inner", "a"),
            Err(BtfError::Missing("inner.a".into()))
        );
    }

    #[test]
    fn cut_or_foreign_data_is_an_error_and_never_a_panic() {
        let blob = outer();
        for length in 0..blob.len() {
            assert!(Btf::parse(&blob[..length]).is_err(), "cut at {length}");
        }
        let unknown = header(&words(&[0, 99 << 24, 0]), b"\0");
        assert_eq!(
            Btf::parse(&unknown).unwrap_err(),
            BtfError::UnknownKind { kind: 99 }
        );
    }

    #[test]
    fn this_kernels_own_types_are_found() {
        let data = std::fs::read(KERNEL_BTF).unwrap();
        let btf = Btf::parse(&data).unwrap();
        assert_eq!(
            btf.field("sock", "__sk_common.skc_family")
                .unwrap()
                .bit_offset
                % 16,
            0
        );
        assert_eq!(btf.parameter_count("tcp_sendmsg_locked"), Some(3));
        assert_eq!(btf.parameter_count("no_such_function"), None);
        let states: Vec<_> = btf.enumerators("skb_drop_reason").take(1).collect();
        assert_eq!(states, [(&b"SKB_NOT_DROPPED_YET"[..], 0)]);
        assert_eq!(btf.enumerators("no_such_enumeration").count(), 0);
    }
}
