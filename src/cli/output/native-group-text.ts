/**
 * A hint about a native group that has no name here.
 * @param hasNamesake a listed group has the same name
 */
export function nativeGroupText(native: string, hasNamesake: boolean): string {
  const name = JSON.stringify(native);
  const other = hasNamesake ? ", which is not the group of that name" : "";
  return `There is a native group of the name ${name} on this topic${other}: map it by \`groups\` to use it here (in the URL: ?group.NAME=${encodeURIComponent(native)}).`;
}
