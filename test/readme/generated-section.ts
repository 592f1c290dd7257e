/** The text between `<!-- name: … -->` and `<!-- end of name -->`, replaced. @throws when the page has no such section */
export function replaceSection(page: string, name: string, content: string): string {
  const section = new RegExp(`(<!-- ${name}: [^>]*-->\\n)[^]*?(<!-- end of ${name} -->)`);
  if (!section.test(page)) throw new Error(`the page has no section "${name}"`);
  return page.replace(section, (_, begin: string, end: string) => `${begin}${content}${end}`);
}
