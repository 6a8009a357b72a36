// Pairs that say the same in other words. The first half of one pair and the second half of the next are unrelated.

export const sentences = [
  ["How old are you?", "What is your age?"],
  ["The cat sat on the mat.", "A feline was sitting on the rug."],
  ["The bank raised its interest rates.", "Interest rates were increased by the bank."],
  ["My phone battery is empty.", "The battery of my mobile phone is dead."],
  ["It will probably rain tomorrow.", "Rain is likely tomorrow."],
  ["She plays the violin in an orchestra.", "She is an orchestra violinist."],
  ["The train to London was late.", "The London train arrived behind schedule."],
  ["Doctors recommend eating more vegetables.", "Physicians advise people to eat more greens."],
  ["The company fired half of its employees.", "Half of the firm's staff were dismissed."],
  ["He forgot to lock the front door.", "The front door was left unlocked by him."],
  ["Our team won the football match.", "The football game was won by our side."],
  ["The volcano erupted last night.", "Last night there was a volcanic eruption."],
];

export const definitions = [
  ["a person who teaches in a school", "someone whose job is to give lessons to pupils"],
  ["move through water by moving the arms and legs", "propel oneself in water with the limbs; swim"],
  ["a building where goods are stored", "a warehouse for keeping merchandise"],
  ["having a great deal of money", "rich and wealthy"],
  ["the season between winter and summer", "the time of year after winter, when flowers bloom"],
  ["in a very angry way", "with great rage"],
  ["a musical instrument with six strings", "a guitar, which is played by plucking its strings"],
  ["a large vehicle that carries many passengers by road", "a bus that transports people on the street"],
  ["a doctor who performs operations", "a physician who specializes in surgery"],
  ["cook food in hot oil", "fry in fat"],
  ["the study of stars and planets", "the branch of science that deals with celestial bodies"],
  ["a piece of land where crops are grown", "a field used for farming"],
];
