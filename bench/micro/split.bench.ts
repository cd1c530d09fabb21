/** What a weighted choice costs. Prints nanoseconds a choice; judges nothing. */
import { compileRotation, rotate } from '../../src/model/weighted-rotation.ts'

const CHOICES = 5_000_000
const WEIGHTS: Record<string, readonly number[]> = {
  '3:2': [3, 2],
  '95:5': [95, 5],
  '20 targets': Array.from({ length: 20 }, (_, i) => i + 1),
  '1 000 endpoints': Array.from({ length: 1000 }, () => 1),
}

for (const [name, weights] of Object.entries(WEIGHTS)) {
  const rotation = compileRotation(weights)
  let sum = 0
  for (let p = 0; p < 100_000; p++) sum += rotate(rotation, p)
  const start = process.hrtime.bigint()
  for (let p = 0; p < CHOICES; p++) sum += rotate(rotation, p)
  const ns = Number(process.hrtime.bigint() - start) / CHOICES
  console.log(`${name.padEnd(20)} ${ns.toFixed(1).padStart(6)} ns a choice   (sum ${sum})`)
}
