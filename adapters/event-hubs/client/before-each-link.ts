/** Parts of a client that its types do not show, in the versions that are known to work. */
interface Inner {
  readonly _context?: {
    /** The SDK calls it before it opens a link, and the connection for it. */
    readyToOpenLink?: (options?: unknown) => Promise<void>;
  };
}

/** Does something whenever the SDK is about to open a link of this client, and the connection for it where there is none. */
export function beforeEachLink(client: object, action: () => void): void {
  const context = (client as Inner)._context;
  const ready = context?.readyToOpenLink;
  if (context === undefined || ready === undefined) return;
  context.readyToOpenLink = async (options) => {
    // There may be another connection only then.
    await ready.call(context, options);
    action();
  };
}
