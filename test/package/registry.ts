import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

import { npmCli, type Packed, type PackedPackage } from './packed.js'

/** A package registry on this machine that has opscope and what it needs, and nothing else. */
export class Registry {
  /** Also when it is closed. */
  readonly url: string
  readonly #server: Server

  private constructor(server: Server, packages: PackedPackage[]) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    server.on('request', (request, response) => {
      const path = decodeURIComponent(request.url ?? '').slice(1)
      const isFile = path.endsWith('.tgz')
      const found = packages.find(each => path === (isFile ? basename(each.tarball) : each.manifest.name))
      if (found === undefined) response.writeHead(404).end('{}')
      else if (isFile) response.end(readFileSync(found.tarball))
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(this.#describe(found)))
    })
  }

  static async of({ packages }: Packed): Promise<Registry> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new Registry(server, packages)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #describe({ manifest, tarball, integrity }: PackedPackage): object {
    const { name, version } = manifest
    const released = { ...manifest, dist: { tarball: this.url + basename(tarball), integrity } }
    return { name, 'dist-tags': { latest: version }, versions: { [version]: released } }
  }
}

/** A new project that depends on opscope; only node is on npm's PATH, and no package runs a script. */
export async function installByName(packed: Packed, project: string, args: string[]): Promise<string> {
  const folder = join(packed.folder, project)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier']
  await promisify(execFile)(process.execPath, [npmCli(), 'install', 'opscope', '--ignore-scripts', ...quiet, ...args], {
    cwd: folder,
    env: { PATH: join(packed.folder, 'bin'), HOME: packed.folder },
  })
  return folder
}
