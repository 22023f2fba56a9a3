// node scripts/check-glibc-floor.mjs [file.node ...]: that a prebuilt binary loads wherever Node's own do.
// Without names: every glibc binary in prebuilds/. Exit 1 if one would not, with the reasons; 2 if none is there.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

// What the binaries of Node 20 to 26 for Linux need (RHEL 8, Debian 10, Ubuntu 20.04 and newer have it).
const FLOOR = [2, 28]
// Parts of every glibc. libstdc++ and libgcc are linked in; zlib, which a small system may lack, is not used.
const LIBRARIES = /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux-[\w-]+\.so\.[12])$/
// Anything else could take the place of another addon's, or Node's take its.
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1', 'opscope_api_v1']

const files = process.argv.length > 2 ? process.argv.slice(2) : prebuiltFiles()
if (files.length === 0) {
  console.error('No binary in prebuilds/: run "npm run prebuilds"')
  process.exit(2)
}
for (const file of files) {
  const { machine, newest, libraries, faults } = inspect(file)
  const size = `${(statSync(file).size / 1024).toFixed(0)} KiB`
  console.log(`${file}: ${machine}, ${size}, needs GLIBC_${newest.join('.')} and ${libraries.join(' ')}`)
  for (const fault of faults) console.error(`  ${fault}`)
  if (faults.length > 0) process.exitCode = 1
}

function prebuiltFiles() {
  return readdirSync('prebuilds', { recursive: true })
    .filter(file => file.endsWith('.glibc.node'))
    .map(file => join('prebuilds', file))
}

function inspect(file) {
  const machine = /Machine: +(.+)/.exec(readelf('-h', file))?.[1] ?? 'unknown machine'
  const libraries = Array.from(readelf('-d', file).matchAll(/\(NEEDED\).*\[(.+)\]/g), ([, library]) => library)
  const symbols = symbolsOf(file)
  const faults = []
  for (const library of libraries) {
    if (!LIBRARIES.test(library)) faults.push(`needs ${library}, which a system may lack`)
  }
  let newest = [2, 0]
  for (const { name, version, isDefined } of symbols) {
    if (isDefined) {
      if (!EXPORTS.includes(name)) faults.push(`exports ${name}`)
      continue
    }
    const glibc = /^GLIBC_(\d+)\.(\d+)/
      .exec(version ?? '')
      ?.slice(1)
      .map(Number)
    if (glibc === undefined) continue
    if (isNewer(glibc, newest)) newest = glibc
    if (isNewer(glibc, FLOOR)) faults.push(`needs ${name}@${version}; the floor is GLIBC_${FLOOR.join('.')}`)
  }
  for (const name of EXPORTS) {
    if (!symbols.some(symbol => symbol.isDefined && symbol.name === name)) faults.push(`does not export ${name}`)
  }
  return { machine, newest, libraries, faults }
}

function isNewer([major, minor], [otherMajor, otherMinor]) {
  return major > otherMajor || (major === otherMajor && minor > otherMinor)
}

/** The dynamic symbols of a file: what it needs of others, and what it shows them. */
function symbolsOf(file) {
  // "  12: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND pthread_create@GLIBC_2.34 (2)"
  const SYMBOL = /^ *\d+: [0-9a-f]+ +\S+ +\w+ +(?:GLOBAL|WEAK|UNIQUE) +\w+ +(\w+) ([^\s@]+)(?:@@?(\S+))?/gm
  return Array.from(readelf('--dyn-syms', file).matchAll(SYMBOL), ([, section, name, version]) => ({
    name,
    version,
    isDefined: section !== 'UND',
  }))
}

function readelf(what, file) {
  const { status, stdout, stderr, error } = spawnSync('readelf', ['-W', what, file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status === 0) return stdout
  console.error(error?.code === 'ENOENT' ? 'readelf not found: install binutils' : stderr.trimEnd())
  process.exit(2)
}
