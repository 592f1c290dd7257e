import { beforeEachLink } from "./before-each-link.ts";

/** A link of the SDK that needs a token. */
interface AuthorizedLink {
  /** Renews the token until it is stopped, by a timer that keeps the process alive. */
  readonly authLoop?: { stop(): void };
  /** Of a publisher. */
  isOpen?(): boolean;
  /** Of the link for properties. */
  _isMgmtRequestResponseLinkOpen?(): boolean | undefined;
}

/** Parts of a client that its types do not show, in the versions that are known to work. */
interface Inner {
  readonly _sendersMap?: ReadonlyMap<string, AuthorizedLink>;
  readonly _context?: { readonly managementSession?: AuthorizedLink };
}

/**
 * Ends what renews tokens of links that are gone. The SDK forgets it when it opens a link in the place of one that was lost: a timer of 45 minutes is left for
 * each of them, which keeps the process alive, and asks for tokens for ever.
 */
export class TokenRenewals {
  readonly #client: Inner;
  readonly #links = new Set<AuthorizedLink>();

  constructor(client: object) {
    this.#client = client;
    beforeEachLink(client, () => this.#end((link) => !isOpen(link)));
  }

  /** Of all links. */
  endAll(): void {
    this.#end(() => true);
  }

  #end(isMeant: (link: AuthorizedLink) => boolean): void {
    const { _sendersMap: senders, _context: context } = this.#client;
    for (const link of [...(senders?.values() ?? []), context?.managementSession]) if (link !== undefined) this.#links.add(link);
    for (const link of this.#links) if (isMeant(link)) link.authLoop?.stop();
  }
}

function isOpen(link: AuthorizedLink): boolean {
  return link.isOpen?.() ?? link._isMgmtRequestResponseLinkOpen?.() ?? false;
}
