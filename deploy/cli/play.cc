// sr2l play: an episode of a run's policy, to look at.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "actor/environment/environment.h"
#include "actor/evaluation/episode_runner.h"
#include "common/status/status_macros.h"
#include "deploy/cli/command_line.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/evaluated_policy.h"
#include "deploy/cli/evaluation_table.h"
#include "deploy/cli/progress_printer.h"
#include "deploy/cli/trained_members.h"
#include "deploy/play/frame_renderer.h"
#include "deploy/play/frame_sink.h"
#include "deploy/play/video_file.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

constexpr double kMaxFramesPerSecond = 60;

struct PlayFlags {
  PolicyFlags policy;
  uint32_t member = 0;
  uint64_t seed = 0;
  uint32_t episode = 0;
  uint32_t steps = 0;  // 0: to the episode's end
  std::string disturbance = "none";
  double radius = 0.03;
  View view;
  std::string out;  // empty: in the run's folder
};

// How steps become frames: one of every `stride` states is shown, in real time.
struct FrameRate {
  uint32_t stride = 1;  // steps
  double frames_per_second = 0;
};

FrameRate ChooseRate(const CompiledTask& task) {
  const double control_rate = 1 / (task.model().opt.timestep * task.frame_skip());
  // A rate that is 60 but for rounding is shown whole.
  const double stride = std::max(1.0, std::ceil(control_rate / kMaxFramesPerSecond - 1e-6));
  return {.stride = static_cast<uint32_t>(stride), .frames_per_second = control_rate / stride};
}

EpisodeOptions OptionsOf(const PlayFlags& flags, const EvaluatedPolicy& policy) {
  Disturbance disturbance;
  for (const Disturbance::Kind kind :
       {Disturbance::Kind::kRandom, Disturbance::Kind::kAdversarial}) {
    if (flags.disturbance == NameOf(kind)) disturbance = {kind, flags.radius};
  }
  return {.disturbance = disturbance, .sample_actions = policy.sample_actions, .seed = flags.seed};
}

// Where the recording goes. The folder of recordings that nobody named is made.
absl::StatusOr<std::string> ChooseOut(const PlayFlags& flags) {
  if (!flags.out.empty()) return flags.out;
  const fs::path folder = fs::path(flags.policy.folder) / "play";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make the folder ", folder.string(), ": ", error.message()));
  }
  const std::string name = absl::StrFormat("member_%03d", flags.member);
  return (folder / (FindFfmpeg().ok() ? name + ".mp4" : name)).string();
}

// Every digit, as in the CSV of `evaluate`.
std::string FormatReturn(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

std::string HowItEnded(const EpisodeResult& result, const CompiledTask& task) {
  if (result.diverged) return "the simulation blew up";
  if (result.terminated) return "terminated";
  return result.length == task.step_limit() ? "to the step limit" : "cut short by --steps";
}

// Runs the episode and records it.
class Recording {
 public:
  Recording(const PlayFlags& flags, FrameRate rate, FrameRenderer& renderer, FrameSink& sink)
      : last_step_(flags.steps),
        rate_(rate),
        renderer_(renderer),
        sink_(sink),
        printer_(std::cout, ProgressPrinter::StyleOfStandardOutput()) {}

  absl::StatusOr<EpisodeResult> Run(EpisodeRunner& runner, uint32_t episode) {
    SR2L_ASSIGN_OR_RETURN(
        EpisodeResult result,
        runner.Run(episode, [this](const Environment& environment) { return Show(environment); }));
    SR2L_RETURN_IF_ERROR(sink_.Finish());
    printer_.Finish();
    return result;
  }

  int num_frames() const { return num_frames_; }

 private:
  absl::StatusOr<bool> Show(const Environment& environment) {
    const uint32_t step = environment.episode_step();
    if (step % rate_.stride == 0) {
      SR2L_ASSIGN_OR_RETURN(const Frame frame, renderer_.Render(environment.simulation()));
      SR2L_RETURN_IF_ERROR(sink_.Add(frame));
      ++num_frames_;
      printer_.Update(absl::StrCat(num_frames_, " frames of ", step, " steps"), absl::Now());
    }
    return last_step_ == 0 || step < last_step_;
  }

  const uint32_t last_step_;  // 0: that of the episode
  const FrameRate rate_;
  FrameRenderer& renderer_;
  FrameSink& sink_;
  ProgressPrinter printer_;
  int num_frames_ = 0;
};

absl::Status PlayEpisode(const PlayFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const v1::ExperimentConfig config, ReadRunExperiment(flags.policy.folder));
  SR2L_ASSIGN_OR_RETURN(const auto task, CompiledTask::Create(config.task()));
  SR2L_ASSIGN_OR_RETURN(const EvaluatedPolicy policy,
                        ReadEvaluatedPolicy(flags.policy, flags.member, config));
  SR2L_RETURN_IF_ERROR(CheckView(task->model(), flags.view));
  if (!flags.out.empty()) SR2L_RETURN_IF_ERROR(CheckRecording(flags.out));
  SR2L_ASSIGN_OR_RETURN(const auto renderer, FrameRenderer::Create(task->model(), flags.view));
  SR2L_ASSIGN_OR_RETURN(const std::string out, ChooseOut(flags));
  const FrameRate rate = ChooseRate(*task);
  SR2L_ASSIGN_OR_RETURN(const auto sink, StartRecording(out, rate.frames_per_second));
  SR2L_ASSIGN_OR_RETURN(const auto environment, Environment::Create(task));

  EpisodeRunner runner(*environment, *policy.policy, OptionsOf(flags, policy));
  Recording recording(flags, rate, *renderer, *sink);
  SR2L_ASSIGN_OR_RETURN(const EpisodeResult result, recording.Run(runner, flags.episode));
  std::cout << "member " << flags.member << ", policy " << policy.member.policy().version()
            << ", episode " << flags.episode << ": return " << FormatReturn(result.return_)
            << " in " << result.length << " steps (" << HowItEnded(result, *task) << ")\n"
            << recording.num_frames() << " frames, "
            << absl::StrFormat("%.4g", rate.frames_per_second) << " a second: " << out << std::endl;
  return absl::OkStatus();
}

void AddEpisodeFlags(CLI::App& verb, PlayFlags& flags) {
  verb.add_option("--member", flags.member, "Whose policy")
      ->check(WholeNumber(0, std::numeric_limits<uint32_t>::max()))
      ->type_name("K")
      ->capture_default_str();
  verb.add_option("--policy", flags.policy.policy, "final, or the version of one that was kept")
      ->check(CheckPolicyChoice)
      ->type_name("VERSION")
      ->capture_default_str();
  verb.add_option("--actions", flags.policy.actions,
                  "mean or sampled [sampled where the policy can]")
      ->check(CLI::IsMember({"mean", "sampled"}))
      ->type_name("KIND");
  verb.add_option("--disturbance", flags.disturbance, "none, random or adversarial")
      ->check(CLI::IsMember({"none", "random", "adversarial"}))
      ->type_name("KIND")
      ->capture_default_str();
  verb.add_option("--radius", flags.radius, "Of the disturbance, in what the network sees")
      ->check(CheckRadius)
      ->type_name("R")
      ->capture_default_str();
  verb.add_option("--seed", flags.seed, "As of evaluate: the same seed, the same episodes")
      ->check(WholeNumber(0, std::numeric_limits<uint64_t>::max()))
      ->capture_default_str();
  verb.add_option("--episode", flags.episode, "Which of that seed's episodes")
      ->check(WholeNumber(0, std::numeric_limits<uint32_t>::max()))
      ->type_name("N")
      ->capture_default_str();
  verb.add_option("--steps", flags.steps, "At most so many of them [the whole episode]")
      ->check(WholeNumber(1, 1000000000))
      ->type_name("N");
}

}  // namespace

void AddPlay(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("play", "An episode of a run's policy as a video or frames");
  const auto flags = std::make_shared<PlayFlags>();
  verb->add_option("DIR", flags->policy.folder, "A run's folder")->required();
  AddEpisodeFlags(*verb, *flags);
  verb->add_option("--camera", flags->view.camera, "Of the model [one that follows the robot]")
      ->type_name("NAME");
  verb->add_option("--width", flags->view.width, "Pixels")
      ->check(WholeNumber(16, 4096))
      ->capture_default_str();
  verb->add_option("--height", flags->view.height, "Pixels")
      ->check(WholeNumber(16, 4096))
      ->capture_default_str();
  verb->add_option("--out", flags->out,
                   "A video .mp4 or .webm, or a folder for PNG frames [in DIR/play: a video where "
                   "there is ffmpeg, frames elsewhere]")
      ->type_name("FILE");
  verb->callback([flags, &action] { action = [flags] { return PlayEpisode(*flags); }; });
}

}  // namespace sr2l
