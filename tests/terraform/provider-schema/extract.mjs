// Writes what the Google provider's resources take and give, for the resources that terraform/ uses, to
// src/test/resources/io/shardlight/terraform/provider-schema.json.
//
//   npm pack @cdktf/provider-google@16.12.1 && tar -xzf cdktf-provider-google-16.12.1.tgz
//   node extract.mjs package ../../../terraform > ../src/test/resources/io/shardlight/terraform/provider-schema.json
//
// The package holds classes generated from the provider's schema; of each, this reads names, types and whether an
// argument is required. It has no text of the package in its output.
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const [pkg, terraform] = process.argv.slice(2);
if (!terraform) throw new Error('usage: node extract.mjs PACKAGE TERRAFORM_DIRECTORY');

const filesOf = folder =>
  readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
    entry.name.startsWith('.') ? [] : entry.isDirectory() ? filesOf(join(folder, entry.name))
      : entry.name.endsWith('.tf') ? [join(folder, entry.name)] : []);
const used = { resource: new Set(), data: new Set() };
for (const file of filesOf(terraform))
  for (const [, kind, type] of readFileSync(file, 'utf8').matchAll(/^(resource|data) "(google_\w+)"/gm)) used[kind].add(type);

const camel = name => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
const lower = name => name.charAt(0).toLowerCase() + name.slice(1);
const capital = name => name.charAt(0).toUpperCase() + name.slice(1);
const sorted = object => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

function typeOf(storage) {
  const simple = { string: 'string', number: 'number', boolean: 'bool' };
  if (simple[storage]) return simple[storage];
  const nested = /^(string|number|boolean)(List|Set|Map)$/.exec(storage);
  if (nested) return [nested[2].toLowerCase(), simple[nested[1]]];
  return undefined;
}

function classes(folder) {
  const js = readFileSync(join(folder, 'index.js'), 'utf8');
  const dts = [join(folder, 'index.d.ts'), join(folder, 'index-structs/index.d.ts')]
    .filter(existsSync).map(f => readFileSync(f, 'utf8')).join('\n');
  return { js, dts };
}

// Whether the interface's property may be left out.
function required({ dts }, type, property) {
  const body = new RegExp(`interface ${type}(?: extends [^{]*)? \\{([\\s\\S]*?)\\n\\}`).exec(dts);
  if (!body) throw new Error(`no interface ${type}`);
  const line = new RegExp(`readonly ${property}(\\??):`).exec(body[1]);
  if (!line) throw new Error(`no ${property} in ${type}`);
  return line[1] === '';
}

// The arguments that stand between two positions of the generated code.
function argumentsIn(source, text, type) {
  const block = { attributes: {}, blocks: {} };
  const entry = /^ +(\w+): \{\n +value: ([^\n]*),\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "(\w+)",\n +\},/gm;
  for (const [, name, value, isBlock, nesting, storage] of text.matchAll(entry)) {
    const needed = required(source, type, camel(name)) ? { required: true } : {};
    const plain = typeOf(storage);
    if (plain !== undefined) {
      const container = Array.isArray(plain) && nesting === 'set' ? ['set', plain[1]] : plain;
      block.attributes[name] = { type: container, ...needed };
      continue;
    }
    const inner = /(?:\(|^)(\w+)ToHclTerraform/.exec(value.replace(/cdktf\.\w+\(/g, '('));
    if (!inner) throw new Error(`${type}.${name}: ${value}`);
    const many = /listMapperHcl/.test(value);
    const one = nested(source, capital(inner[1]));
    // "timeouts" is the one block that is an object of its own.
    block.blocks[name] = { nesting: nesting === 'struct' ? 'single' : nesting, ...(many ? {} : { atMostOne: true }), ...needed, ...one };
  }
  return block;
}

function nested(source, type) {
  const start = source.js.indexOf(`function ${lower(type)}ToHclTerraform(`);
  if (start < 0) throw new Error(`no function for ${type}`);
  const block = argumentsIn(source, source.js.slice(start, source.js.indexOf('\n}', start)), type);
  addComputed(source.js, `class ${type}OutputReference`, block);
  return tidy(block);
}

// What only the provider sets.
function addComputed(js, head, block) {
  const start = js.indexOf(head + ' ');
  if (start < 0) return;
  const end = js.indexOf('\n}\n', start);
  const text = js.slice(start, end);
  for (const [, name] of text.matchAll(/\/\/ (\w+) - computed: true, optional: false, required: false/g)) {
    const getter = new RegExp(`get ${camel(name)}\\(\\) \\{\\n +return ([^\\n]*)`).exec(text);
    const how = getter ? getter[1] : '';
    const kind = /get(String|Number|Boolean)(List|Map)?Attribute/.exec(how);
    const simple = { String: 'string', Number: 'number', Boolean: 'bool' };
    const type = kind ? (kind[2] ? [kind[2].toLowerCase(), simple[kind[1]]] : simple[kind[1]])
      : new RegExp(`new cdktf\\.StringMap\\(this, "${name}"\\)`).test(text) ? ['map', 'string']
      : /getListAttribute/.test(how) ? ['list', 'string'] : undefined;
    // Lists of objects that only the provider sets are left out: nothing here reads them.
    if (type !== undefined && !block.attributes[name]) block.attributes[name] = { type, computed: true };
  }
}

const tidy = ({ attributes, blocks }) => ({
  attributes: sorted(attributes),
  ...(Object.keys(blocks).length ? { blocks: sorted(blocks) } : {}),
});

function whole(folder, className, configName) {
  const source = classes(folder);
  const start = source.js.indexOf('synthesizeHclAttributes() {');
  if (start < 0) throw new Error(folder);
  const block = argumentsIn(source, source.js.slice(start), configName);
  addComputed(source.js, `class ${className}`, block);
  return tidy(block);
}

const folderOf = type => type.replace(/^google_/, '').replace(/_/g, '-');
const { version } = JSON.parse(readFileSync(join(pkg, 'package.json'), 'utf8'));
const [, providerVersion] = /hashicorp\/google provider version ([\d.]+)/.exec(readFileSync(join(pkg, 'README.md'), 'utf8'));
const provider = whole(join(pkg, 'lib/provider'), 'GoogleProvider', 'GoogleProviderConfig');
for (const name of Object.keys(provider.attributes)) if (/_custom_endpoint$|^alias$/.test(name)) delete provider.attributes[name];
const resources = {};
for (const type of used.resource) {
  const name = capital(camel(type.replace(/^google_/, '')));
  resources[type] = whole(join(pkg, 'lib', folderOf(type)), name, name + 'Config');
}
const data = {};
for (const type of used.data) {
  const name = 'Data' + capital(camel(type));
  data[type] = whole(join(pkg, 'lib', 'data-google-' + folderOf(type)), name, name + 'Config');
}

// One line an argument, so that a newer provider shows as a short difference.
function print(value, depth = 0) {
  const pad = '  '.repeat(depth + 1);
  if (value === null || typeof value !== 'object' || Array.isArray(value) || (!('attributes' in value) && 'type' in value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([k, v]) => `${pad}${JSON.stringify(k)}: ${print(v, depth + 1)}`);
  return entries.length ? `{\n${entries.join(',\n')}\n${'  '.repeat(depth)}}` : '{}';
}
process.stdout.write(print({
  source: 'registry.terraform.io/hashicorp/google', version: providerVersion, from: `@cdktf/provider-google ${version}`,
  provider, resources: sorted(resources), data: sorted(data),
}) + '\n');
