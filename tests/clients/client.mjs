// Drives one MCP server with the SDK from npm, for the tests: `client.mjs URL`, the token in LOOPWRIGHT_TOKEN. The same lines
// as client.py. Run it from the folder that holds node_modules.

import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.cwd() + '/');
const load = name => import(pathToFileURL(require.resolve('@modelcontextprotocol/sdk/' + name)));
const { Client } = await load('client/index.js');
const { StreamableHTTPClientTransport } = await load('client/streamableHttp.js');

const headers = { Authorization: 'Bearer ' + process.env.LOOPWRIGHT_TOKEN };
const client = new Client({ name: 'loopwright-test', version: '1.0.0' });
const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]), { requestInit: { headers } });
await client.connect(transport);

async function one(asked) {
  if (asked.list) {
    const { tools } = await client.listTools();
    const named = Object.fromEntries(tools.map(tool => [tool.name, tool.outputSchema !== undefined]));
    return { tools: named, protocol: transport.protocolVersion };
  }
  const progress = [];
  const onprogress = asked.progress ? note => progress.push(note.message) : undefined;
  const result = await client.callTool({ name: asked.tool, arguments: asked.args }, undefined, { timeout: 90_000, onprogress });
  const text = result.content.filter(block => block.type === 'text').map(block => block.text).join('');
  return { error: result.isError === true, told: result.structuredContent ?? null, text, progress };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await one(JSON.parse(line)).catch(e => ({ failed: String(e) }));
  console.log(JSON.stringify(answer));
}
await client.close();
