//! Writes what a node knows into a row, by the names under which it is serialised.

use std::{fmt, time::Duration};

use serde::{
    Serialize, Serializer,
    ser::{self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple},
};

use super::{
    Fold, Kind, Mark, digest,
    fate::{Fate, fate},
    ticks_up,
};

/// Folds the values of one node.
pub(super) struct Folder<'a> {
    fold: &'a mut Fold,
    node: usize,
    /// What becomes of the value that comes next.
    fate: Fate,
    /// Which struct and field it is in.
    place: (&'static str, &'static str),
    /// What the number that comes next is.
    number: Number,
    /// The running time at which the node stands.
    running: u128,
    /// The run whose datagrams are counted, and the node's own.
    run: u64,
    own: u64,
    /// The last plain number, for what depends on it.
    last: u64,
    /// How often the address had changed hands when the peer was last heard.
    hands_when_heard: u64,
}

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Plain,
    Instant,
    Running,
    Sequence,
    Name(Kind),
}

/// A value that cannot be folded: the core has none.
#[derive(Debug)]
pub(super) struct NotFolded(String);

impl<'a> Folder<'a> {
    pub(super) const fn new(fold: &'a mut Fold, node: usize) -> Self {
        Self {
            fold,
            node,
            fate: Fate::Keep,
            place: ("", ""),
            number: Number::Plain,
            running: 0,
            run: 0,
            own: 0,
            last: 0,
            hands_when_heard: 0,
        }
    }

    fn plain(&mut self, value: u64) {
        self.last = value;
        let value = match self.fate {
            Fate::UpTo(limit) => value.min(limit),
            Fate::Forget | Fate::Lasting(_) | Fate::Due | Fate::Ago(_) | Fate::AgoInOrder(_) | Fate::Keep => value,
        };
        self.fold.marks.push(Mark::Plain(value));
    }

    fn numbered(&mut self, value: u64) {
        match self.number {
            Number::Plain => self.plain(value),
            Number::Instant => self.time(u128::from(value), u128::from(self.fold.now.as_nanos())),
            Number::Running => self.time(u128::from(value), self.running),
            Number::Sequence => self.fold.marks.push(Mark::Rank(Kind::Datagram(self.run), value)),
            Number::Name(kind) => {
                if kind == Kind::Incarnation {
                    self.run = value;
                }
                self.fold.marks.push(Mark::Name(kind, value));
            }
        }
    }

    /// Folds a point in time, seen from `now`.
    fn time(&mut self, at: u128, now: u128) {
        let nanos = |nanos: u128| Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let (ago, ahead) = (nanos(now.saturating_sub(at)), nanos(at.saturating_sub(now)));
        match self.fate {
            Fate::Due => self.ticks(ahead),
            Fate::Ago(limit) => self.ticks(ago.min(limit)),
            Fate::AgoInOrder(limit) => {
                self.ticks(ago.min(limit));
                self.rank(at);
            }
            Fate::Keep => {
                self.ticks(ago);
                self.ticks(ahead);
                self.rank(at);
            }
            Fate::Forget | Fate::UpTo(_) | Fate::Lasting(_) => {}
        }
    }

    /// Folds a length of time: beyond the horizon it is just long.
    fn ticks(&mut self, time: Duration) {
        let ticks = ticks_up(time).min(self.fold.horizon);
        self.fold.marks.push(Mark::Plain(ticks));
    }

    fn rank(&mut self, at: u128) {
        let kind = match (self.number, self.place) {
            (Number::Running, _) => Kind::Running(self.node),
            (_, ("Fact" | "Ownership", _)) => Kind::Asked,
            _ => Kind::Time(self.node),
        };
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        self.fold.marks.push(Mark::Rank(kind, at));
    }

    fn duration(&mut self, duration: Duration) {
        if self.place == ("RunningClock", "elapsed") {
            self.running = duration.as_nanos();
        }
        match (self.number, self.fate) {
            (Number::Running, _) => self.time(duration.as_nanos(), self.running),
            (_, Fate::Lasting(limit)) => self.ticks(duration.min(limit)),
            (_, Fate::Forget) => {}
            (_, Fate::UpTo(_) | Fate::Due | Fate::Ago(_) | Fate::AgoInOrder(_) | Fate::Keep) => {
                self.fold.marks.push(Mark::Plain(ticks_up(duration)));
            }
        }
    }

    /// Folds what stands in a field.
    fn field<T: Serialize + ?Sized>(
        &mut self,
        of: &'static str,
        field: &'static str,
        value: &T,
    ) -> Result<(), NotFolded> {
        let before = (self.place, self.fate);
        self.place = (of, field);
        self.fate = fate(of, field);
        let mark = self.fold.marks.len();
        if (of, field) == ("Stopping", "first") {
            self.run = self.own;
        }
        if self.fate != Fate::Forget || field == "elapsed" {
            value.serialize(&mut *self)?;
        }
        match (of, field) {
            ("Detector", "own") => self.own = self.run,
            // An announcement of the peer speaks of one change of hands only.
            ("Peer", "hands_when_heard") => {
                self.hands_when_heard = self.last;
                self.fold.marks.truncate(mark);
            }
            ("Ownership", "hands") => {
                self.fold.marks.truncate(mark);
                let since = self.last.saturating_sub(self.hands_when_heard);
                self.fold.marks.push(Mark::Plain(since.min(2)));
            }
            _ => {}
        }
        (self.place, self.fate) = before;
        Ok(())
    }
}

impl<'a, 'b> Serializer for &'a mut Folder<'b> {
    type Ok = ();
    type Error = NotFolded;
    type SerializeSeq = Parts<'a, 'b>;
    type SerializeTuple = Parts<'a, 'b>;
    type SerializeTupleStruct = ser::Impossible<(), NotFolded>;
    type SerializeTupleVariant = ser::Impossible<(), NotFolded>;
    type SerializeMap = Parts<'a, 'b>;
    type SerializeStruct = Parts<'a, 'b>;
    type SerializeStructVariant = Parts<'a, 'b>;

    fn serialize_bool(self, value: bool) -> Result<(), NotFolded> {
        self.plain(u64::from(value));
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), NotFolded> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i16(self, value: i16) -> Result<(), NotFolded> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i32(self, value: i32) -> Result<(), NotFolded> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i64(self, value: i64) -> Result<(), NotFolded> {
        self.plain(value.cast_unsigned());
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), NotFolded> {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u16(self, value: u16) -> Result<(), NotFolded> {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u32(self, value: u32) -> Result<(), NotFolded> {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u64(self, value: u64) -> Result<(), NotFolded> {
        self.numbered(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), NotFolded> {
        self.plain(u64::from(value.to_bits()));
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), NotFolded> {
        self.plain(value.to_bits());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), NotFolded> {
        self.plain(u64::from(value));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), NotFolded> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NotFolded> {
        let digest = digest(value);
        match self.number {
            Number::Name(_) => self.numbered(digest),
            Number::Plain | Number::Instant | Number::Running | Number::Sequence => {
                self.fold.marks.push(Mark::Plain(digest));
            }
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), NotFolded> {
        self.fold.marks.push(Mark::Plain(0));
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotFolded> {
        self.fold.marks.push(Mark::Plain(1));
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotFolded> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), NotFolded> {
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, index: u32, _variant: &'static str) -> Result<(), NotFolded> {
        self.fold.marks.push(Mark::Plain(u64::from(index)));
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), NotFolded> {
        let before = self.number;
        self.number = match name {
            "Instant" => Number::Instant,
            "RunTime" => Number::Running,
            "Sequence" => Number::Sequence,
            "Incarnation" => Number::Name(Kind::Incarnation),
            "AssociationId" => Number::Name(Kind::Association),
            "CallId" => Number::Name(Kind::Call(self.node)),
            "OrderId" => Number::Name(Kind::Order),
            _ => Number::Plain,
        };
        value.serialize(&mut *self)?;
        self.number = before;
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), NotFolded> {
        self.fold.marks.push(Mark::Plain(u64::from(index)));
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'a, 'b>, NotFolded> {
        self.fold.marks.push(Mark::Plain(length.unwrap_or_default() as u64));
        Ok(Parts::new(self, ""))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Parts<'a, 'b>, NotFolded> {
        Ok(Parts::new(self, ""))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleStruct, NotFolded> {
        Err(NotFolded(format!("the tuple struct {name}")))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, NotFolded> {
        Err(NotFolded(format!("the tuple variant {name}::{variant}")))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Parts<'a, 'b>, NotFolded> {
        self.serialize_seq(length)
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Parts<'a, 'b>, NotFolded> {
        Ok(Parts::new(self, name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Parts<'a, 'b>, NotFolded> {
        self.fold.marks.push(Mark::Plain(u64::from(index)));
        Ok(Parts::new(self, name))
    }
}

/// The parts of a value.
pub(super) struct Parts<'a, 'b> {
    folder: &'a mut Folder<'b>,
    of: &'static str,
    /// A duration comes in two numbers.
    duration: Duration,
    /// Where the marks of a part stand that may have to go.
    droppable: (usize, usize),
}

impl<'a, 'b> Parts<'a, 'b> {
    const fn new(folder: &'a mut Folder<'b>, of: &'static str) -> Self {
        Self {
            folder,
            of,
            duration: Duration::ZERO,
            droppable: (0, 0),
        }
    }

    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFolded> {
        value.serialize(&mut *self.folder)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotFolded> {
        if self.of == "Duration" {
            return self.part_of_duration(key, value);
        }
        let begin = self.folder.fold.marks.len();
        self.folder.field(self.of, key, value)?;
        match (self.of, key) {
            ("Refit", "fit_since") => self.droppable = (begin, self.folder.fold.marks.len()),
            // Who never failed need not wait, however long it has been fit.
            ("Refit", "failures") if self.folder.last == 0 => {
                self.folder.fold.marks.drain(self.droppable.0..self.droppable.1);
            }
            _ => {}
        }
        Ok(())
    }

    fn part_of_duration<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotFolded> {
        let (mark, number, fate) = (self.folder.fold.marks.len(), self.folder.number, self.folder.fate);
        (self.folder.number, self.folder.fate) = (Number::Plain, Fate::Keep);
        self.part(value)?;
        (self.folder.number, self.folder.fate) = (number, fate);
        self.folder.fold.marks.truncate(mark);
        let number = self.folder.last;
        self.duration += match key {
            "secs" => Duration::from_secs(number),
            _ => Duration::from_nanos(number),
        };
        Ok(())
    }

    fn finish(self) {
        if self.of == "Duration" {
            self.folder.duration(self.duration);
        }
    }
}

impl SerializeSeq for Parts<'_, '_> {
    type Ok = ();
    type Error = NotFolded;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFolded> {
        self.part(value)
    }

    fn end(self) -> Result<(), NotFolded> {
        Ok(())
    }
}

impl SerializeTuple for Parts<'_, '_> {
    type Ok = ();
    type Error = NotFolded;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFolded> {
        self.part(value)
    }

    fn end(self) -> Result<(), NotFolded> {
        Ok(())
    }
}

impl SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = NotFolded;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotFolded> {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFolded> {
        self.part(value)
    }

    fn end(self) -> Result<(), NotFolded> {
        Ok(())
    }
}

impl SerializeStruct for Parts<'_, '_> {
    type Ok = ();
    type Error = NotFolded;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotFolded> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), NotFolded> {
        self.finish();
        Ok(())
    }
}

impl SerializeStructVariant for Parts<'_, '_> {
    type Ok = ();
    type Error = NotFolded;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotFolded> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), NotFolded> {
        Ok(())
    }
}

impl fmt::Display for NotFolded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be folded", self.0)
    }
}

impl std::error::Error for NotFolded {}

impl ser::Error for NotFolded {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
