module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  transform: { '\\.ts$': ['ts-jest', {}] },
  // The CDK would print the mistakes that the tests make on purpose.
  silent: true,
};
