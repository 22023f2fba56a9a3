import Module from 'node:module'
import { sep } from 'node:path'

import type { GrpcInterceptor } from '../serving/grpc-server.js'

type ServerClass = new (options?: { interceptors?: unknown[] }) => object

const FOLDER = ['@grpc', 'grpc-js', 'build', 'src'].join(sep)

/**
 * Gives every server of @grpc/grpc-js that the program makes an interceptor, whether it imports the package or requires
 * it. The package is CommonJS, so both ways pass `require` for the module that makes the class; that one is replaced
 * there, before anybody has it. The wrapper is in the stack of errors that a module throws while it loads, and of no
 * others.
 */
export function interceptGrpcServers(interceptor: GrpcInterceptor): void {
  const load = Module.prototype.require
  const seen = new WeakSet<object>()
  Module.prototype.require = function require(this: NodeJS.Module, id: string) {
    const exports = Reflect.apply(load, this, [id]) as { Server?: ServerClass }
    const isServerModule = id === './server' && this.filename?.endsWith(`${FOLDER}${sep}index.js`)
    if (isServerModule && exports.Server !== undefined && !seen.has(exports)) {
      seen.add(exports)
      exports.Server = intercepted(exports.Server, interceptor)
    }
    return exports
  } as typeof load
}

function intercepted(Server: ServerClass, interceptor: GrpcInterceptor): ServerClass {
  return new Proxy(Server, {
    construct(target, [options], newTarget) {
      const given = options as { interceptors?: unknown[] } | undefined
      // The first is next to the network: what the program's own ones take is part of the request.
      const interceptors = [interceptor, ...(given?.interceptors ?? [])]
      return Reflect.construct(target, [{ ...given, interceptors }], newTarget)
    },
  })
}
