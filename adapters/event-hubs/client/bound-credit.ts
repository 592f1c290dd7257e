import { beforeEachLink } from "./before-each-link.ts";

interface Receiver {
  /** How many events the service may still send. */
  readonly credit: number;
  addCredit(credit: number): void;
}

interface AmqpConnection {
  createReceiver?(options?: unknown): Promise<Receiver>;
}

/** Parts of a client that its types do not show, in the versions that are known to work. */
interface Inner {
  readonly _context?: { readonly connection?: AmqpConnection };
}

/**
 * Keeps the credit of each link of a client to what it is granted first, which is as many events as the link is opened for. The SDK grants that
 * anew each time it waits, whatever the service has not used of it: https://github.com/Azure/azure-sdk-for-js/issues/39452.
 */
export function boundCredit(client: object): void {
  const bounded = new WeakSet<AmqpConnection>();
  beforeEachLink(client, () => {
    const connection = (client as Inner)._context?.connection;
    const createReceiver = connection?.createReceiver?.bind(connection);
    if (connection === undefined || createReceiver === undefined || bounded.has(connection)) return;
    bounded.add(connection);
    connection.createReceiver = async (options) => bounding(await createReceiver(options));
  });
}

function bounding(receiver: Receiver): Receiver {
  const addCredit = receiver.addCredit.bind(receiver);
  let most = 0;
  receiver.addCredit = (credit) => {
    most ||= credit;
    const granted = Math.min(credit, most - receiver.credit);
    if (granted > 0) addCredit(granted);
  };
  return receiver;
}
