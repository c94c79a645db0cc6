// Runs each model at the observations of its vectors, and compares with their actions.
const fs = require('fs');
const ort = require('onnxruntime-node');

const TOLERANCE = 1e-6; // of half an action's range

async function greatestDifference(path) {
  const contract = JSON.parse(fs.readFileSync(`${path}.contract.json`, 'utf8'));
  const rows = fs.readFileSync(`${path}.vectors.csv`, 'utf8').trim().split('\n').slice(1)
      .map((line) => line.split(',').map(Number));
  const width = contract.observation_dim;
  const observations = Float32Array.from(rows.flatMap((row) => row.slice(0, width)));
  const session = await ort.InferenceSession.create(path);
  const results = await session.run(
      {observation: new ort.Tensor('float32', observations, [rows.length, width])});
  const expected = rows.flatMap((row) => row.slice(width));
  const actual = results.action.data;
  if (actual.length !== expected.length || rows.length < 64) throw new Error(`${path}: lengths`);
  return Math.max(...expected.map((value, i) => {
    const action = contract.action[i % contract.action_dim];
    return Math.abs(actual[i] - value) / ((action.high - action.low) / 2);
  }));
}

(async () => {
  if (process.argv.length < 3) throw new Error('no models');
  for (const path of process.argv.slice(2)) {
    const difference = await greatestDifference(path);
    console.log(path, difference.toExponential(2));
    if (!(difference <= TOLERANCE)) process.exitCode = 1;
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
