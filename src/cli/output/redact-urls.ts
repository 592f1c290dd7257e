/** All up to the last @: a password that was not percent-encoded may hold anything. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)\S*@/gi;
const SETTING = /([?&][^\s=&"']+=)[^\s&"']*/g;

/**
 * A text that may quote what was typed, without the secrets of URLs in it. The library's own messages hold none; those about wrong
 * usage repeat arguments, and a URL may have been given where none belongs.
 */
export function redactUrls(text: string): string {
  return text.replace(USER_INFO, "$1***@").replace(SETTING, "$1***");
}
