export function fixedNoise(count: number, seed: number): Float32Array<ArrayBuffer>
export function demoImages(batchSize: number, seed?: number): { dims: number[]; data: Float32Array<ArrayBuffer> }
export function demoModel(kernels?: Record<string, number>): Buffer<ArrayBuffer>
