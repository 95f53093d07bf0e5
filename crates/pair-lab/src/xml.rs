//! The little XML that the EC2 Query API needs: elements and text, no attributes that mean anything.

use core::fmt;

use thiserror::Error;

/// An XML element: a name, and either text or children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The element's name.
    pub name: String,
    /// The text directly inside it, unescaped and trimmed.
    pub text: String,
    /// The elements directly inside it, in document order.
    pub children: Vec<Element>,
}

/// A document that is not the XML of an EC2 reply.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum XmlError {
    /// The document ends inside an element or a tag, or holds no element.
    #[error("xml ends too early")]
    Truncated,
    /// A closing tag does not match the element it closes.
    #[error("xml closes {found} where {expected} is open")]
    Mismatch {
        /// The element that is open.
        expected: String,
        /// The tag found.
        found: String,
    },
    /// Elements are nested deeper than any EC2 reply.
    #[error("xml is nested deeper than {DEPTH_LIMIT} elements")]
    TooDeep,
}

impl Element {
    /// Makes an element without text or children.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: String::new(),
            children: Vec::new(),
        }
    }

    /// Adds a child element.
    #[must_use]
    pub fn child(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// Adds a child element that holds only text.
    #[must_use]
    pub fn text(self, name: &str, text: &str) -> Self {
        self.child(Element {
            name: name.to_owned(),
            text: text.to_owned(),
            children: Vec::new(),
        })
    }

    /// Adds a child element that holds only text, if there is one.
    #[must_use]
    pub fn maybe(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// Reads a document. Declarations, comments and attributes are skipped.
    ///
    /// # Errors
    /// [`XmlError`] if the document is not well-formed as far as this reader goes.
    pub fn parse(document: &str) -> Result<Self, XmlError> {
        let mut open: Vec<Element> = Vec::new();
        let mut rest = document;
        loop {
            let (text, after) = rest.split_once('<').ok_or(XmlError::Truncated)?;
            if let Some(element) = open.last_mut() {
                element.text.push_str(unescape(text).trim());
            }
            let (tag, after) = after.split_once('>').ok_or(XmlError::Truncated)?;
            rest = after;
            if tag.starts_with(['?', '!']) {
                continue;
            }
            let closed = if let Some(name) = tag.strip_prefix('/') {
                let element = open.pop().ok_or(XmlError::Truncated)?;
                if element.name != name.trim() {
                    return Err(XmlError::Mismatch {
                        expected: element.name,
                        found: name.to_owned(),
                    });
                }
                element
            } else {
                let name = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
                let element = Element::new(name);
                if !tag.ends_with('/') {
                    if open.len() == DEPTH_LIMIT {
                        return Err(XmlError::TooDeep);
                    }
                    open.push(element);
                    continue;
                }
                element
            };
            match open.last_mut() {
                Some(parent) => parent.children.push(closed),
                None => return Ok(closed),
            }
        }
    }

    /// Finds the first descendant of this name, depth first.
    pub fn find(&self, name: &str) -> Option<&Element> {
        self.children.iter().find_map(|child| {
            if child.name == name {
                Some(child)
            } else {
                child.find(name)
            }
        })
    }

    /// Gives the text of the first descendant of this name; an empty element counts as none, as moto writes it.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.find(name)
            .map(|element| element.text.as_str())
            .filter(|text| !text.is_empty())
    }

    /// Gives the `item` elements of the first descendant of this name.
    pub fn items_of(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.find(name)
            .into_iter()
            .flat_map(|set| set.children.iter().filter(|child| child.name == "item"))
    }

    /// Renders a document with its declaration.
    pub fn to_document(&self) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{self}")
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.name, escape(&self.text))?;
        for child in &self.children {
            write!(f, "{child}")?;
        }
        write!(f, "</{}>", self.name)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// EC2's deepest replies nest about ten elements.
const DEPTH_LIMIT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let element = Element::new("Response").child(Element::new("Errors").text("Message", "a < b & \"c\" > 'd'"));
        assert_eq!(Element::parse(&element.to_document()), Ok(element));
    }

    #[test]
    fn attributes_and_empty_elements_are_understood() {
        let read = Element::parse("<a xmlns=\"http://x/y\"><b/><c z='1'>t</c><d ></d></a>").unwrap();
        assert_eq!(read.children.len(), 3);
        assert_eq!(read.text_of("b"), None);
        assert_eq!(read.text_of("c"), Some("t"));
    }

    #[test]
    fn broken_documents_are_errors() {
        assert_eq!(Element::parse(""), Err(XmlError::Truncated));
        assert_eq!(Element::parse("<a><b>"), Err(XmlError::Truncated));
        assert_eq!(Element::parse("</a>"), Err(XmlError::Truncated));
        assert!(matches!(Element::parse("<a></b>"), Err(XmlError::Mismatch { .. })));
        assert_eq!(Element::parse(&"<a>".repeat(100)), Err(XmlError::TooDeep));
    }
}
