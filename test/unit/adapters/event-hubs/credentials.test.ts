import { expect, test } from "vitest";
import { Credentials } from "../../../../adapters/event-hubs/client/credentials.ts";

const given = { getToken: async () => null };

test.each(["servicebus.windows.net", "servicebus.usgovcloudapi.net", "servicebus.chinacloudapi.cn", "servicebus.cloudapi.de"])(
  "tokens go to namespaces at %s, in upper case too, and not to the domain itself or to one that ends likewise",
  async (domain) => {
    const credentials = new Credentials(given);
    for (const host of [`name.${domain}`, `NAME.${domain.toUpperCase()}`]) expect(await credentials.forNamespace(host)).toBe(given);
    for (const host of [domain, `evil${domain}`, `name.${domain}.example`, `account.blob.core.windows.net`])
      await expect(credentials.forNamespace(host)).rejects.toMatchObject({ code: "configuration" });
  },
);

test.each([
  "blob.core.windows.net",
  "blob.storage.azure.net",
  "blob.core.usgovcloudapi.net",
  "blob.core.chinacloudapi.cn",
  "blob.core.cloudapi.de",
])("tokens go to containers at %s", async (domain) => {
  expect(await new Credentials(given).forStorage(`account.${domain}`)).toBe(given);
  await expect(new Credentials(given).forStorage(`account-${domain}`)).rejects.toMatchObject({ code: "configuration" });
});

test("without a credential the chain of Azure's identities is asked, and made once", async () => {
  const credentials = new Credentials(undefined);
  const chain = await credentials.forNamespace("name.servicebus.windows.net");
  expect(chain.constructor.name).toBe("DefaultAzureCredential");
  expect(await credentials.forStorage("account.blob.core.windows.net")).toBe(chain);
});
