#ifndef SR2L_LEARNER_SMOOTHNESS_SMOOTHNESS_OPTIONS_H_
#define SR2L_LEARNER_SMOOTHNESS_SMOOTHNESS_OPTIONS_H_

namespace sr2l {

// What of the gradient an ascent step follows: per state, over its O coordinates.
enum class GradientKind {
  kSign,     // sign(g)
  kL2,       // sqrt(O) g / ||g||_2
  kMaxNorm,  // g / max |g|
  kRaw,      // g
};

// The norm in which a perturbation stays within its radius.
enum class BallNorm { kLinf, kL2 };

// The smoothness regularizer, equal for all members of an experiment.
struct SmoothnessOptions {
  int steps = 10;          // ascent steps D, >= 0
  double step_size = 0.2;  // in units of the radius, > 0
  GradientKind gradient = GradientKind::kSign;
  BallNorm norm = BallNorm::kLinf;
  // No gradient of the regularizer through sigma: it is the sampling policy's, a constant.
  bool detach_sigma = true;
  // Weigh each state by discount^t, t its step within the episode.
  bool discount_weighting = false;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SMOOTHNESS_SMOOTHNESS_OPTIONS_H_
