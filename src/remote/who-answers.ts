// What listens at an address that gRPC found no way to talk to: its library tells a web server, a server with TLS and
// one that says nothing apart only by texts that change with its versions.
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'

import type { Address } from './address.js'

export type Answer = 'grpc' | 'http1' | 'tls' | 'other' | 'nothing' | 'closed' | 'unreachable'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
// A SETTINGS frame without settings: https://www.rfc-editor.org/rfc/rfc9113#name-settings
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const TYPE_OF_FRAME = 3
const TLS_ALERT = 0x15
const PATIENCE_MS = 2000

export async function whoAnswers(address: Address): Promise<Answer> {
  const answer = await answerToHello(address)
  // Some servers of TLS hang up on what is none, without a word.
  return answer === 'closed' && (await speaksTls(address)) ? 'tls' : answer
}

/** Says hello as HTTP/2 does, and looks at the first bytes of what comes back. */
function answerToHello({ host, port }: Address): Promise<Answer> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    let isConnected = false
    const chunks: Buffer[] = []
    const end = (answer: Answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(PATIENCE_MS, () => end(isConnected ? 'nothing' : 'unreachable'))
    socket.on('connect', () => {
      isConnected = true
      socket.write(Buffer.concat([PREFACE, SETTINGS]))
    })
    socket.on('data', chunk => {
      chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (bytes.length >= 9) end(kindOf(bytes))
    })
    const close = () => end(chunks.length === 0 ? 'closed' : kindOf(Buffer.concat(chunks)))
    socket.on('end', close)
    socket.on('error', () => (isConnected ? close() : end('unreachable')))
  })
}

function speaksTls({ host, port }: Address): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connectTls({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Nothing is sent: whose certificate it is does not matter.
      rejectUnauthorized: false,
    })
    const end = (isTls: boolean) => {
      socket.destroy()
      resolve(isTls)
    }
    socket.setTimeout(PATIENCE_MS, () => end(false))
    socket.on('secureConnect', () => end(true))
    socket.on('error', () => end(false))
    socket.on('end', () => end(false))
  })
}

function kindOf(bytes: Buffer): Answer {
  if (bytes.toString('latin1', 0, 5) === 'HTTP/') return 'http1'
  if (bytes[0] === TLS_ALERT && bytes[1] === 3) return 'tls'
  return bytes[TYPE_OF_FRAME] === SETTINGS[TYPE_OF_FRAME] ? 'grpc' : 'other'
}
