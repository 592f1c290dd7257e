/** Everything up to the last @, because a password without percent-encoding may hold any character. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)\S*@/gi;

const SETTING = /([?&][^\s=&"']+=)[^\s&"']*/g;

/**
 * Removes the secrets of URLs from a text. Messages of the library hold no secrets, but messages about wrong usage repeat
 * arguments, and a URL may be in the place of any argument.
 */
export function redactUrls(text: string): string {
  return text.replace(USER_INFO, "$1***@").replace(SETTING, "$1***");
}
