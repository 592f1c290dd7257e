const REFERENCES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/**
 * A text for an attribute or an element of XML. Line breaks and tabs survive as references; what XML 1.0 cannot hold in any
 * form or discourages (other control characters, halves of surrogate pairs, U+FFFE and U+FFFF; section 2.2, "Char") becomes U+FFFD.
 */
export function xmlText(text: string): string {
  return text.toWellFormed().replace(/[&<>"'\p{Cc}\uFFFE\uFFFF]/gu, (character) => REFERENCES[character] ?? "\uFFFD");
}
