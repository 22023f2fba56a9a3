// Runs before the native build: says in one line what a machine lacks, instead of a page of CMake output.
import { spawnSync } from 'node:child_process'

function runs(command, args, input) {
  return spawnSync(command, args, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0
}

const compilesCxx20 = compiler =>
  runs(
    compiler,
    ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'],
    '#include <span>\n#include <concepts>\nint main() {}\n',
  )

// The programs CMake itself would look for, in its order.
const compilers = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++']
const isWindows = process.platform === 'win32' // there CMake finds Visual Studio, which need not be on PATH

const missing = []
if (!isWindows && !compilers.some(compilesCxx20)) {
  missing.push({
    what: 'a C++20 compiler (g++ 10, clang 14 or newer)',
    debian: 'g++',
    fedora: 'gcc-c++',
    macos: 'llvm',
  })
}
if (!runs('cmake', ['--version'])) missing.push({ what: 'cmake', debian: 'cmake', fedora: 'cmake', macos: 'cmake' })
if (!isWindows && !runs('ninja', ['--version']) && !runs('make', ['--version'])) {
  missing.push({ what: 'make or ninja', debian: 'make', fedora: 'make', macos: 'ninja' })
}

if (missing.length > 0) {
  const packages = system => missing.map(tool => tool[system]).join(' ')
  console.error(
    `opscope: the native build needs ${missing.map(tool => tool.what).join(' and ')}. ` +
      `Debian/Ubuntu: apt-get install ${packages('debian')}; Fedora: dnf install ${packages('fedora')}; ` +
      `macOS: xcode-select --install, brew install ${packages('macos')}`,
  )
  process.exit(1)
}
