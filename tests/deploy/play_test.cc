// sr2l play, on a run's folder that was written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "common/policy/member_file.h"
#include "tests/actor/evaluation_policies.h"
#include "tests/deploy/evaluation_csv.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kWidth = 97;  // odd, which videos cannot be
constexpr int kHeight = 64;

struct Picture {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;

  const uint8_t* At(int x, int y) const {
    return rgb.data() +
           3 * (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x));
  }
};

Picture ReadPng(const std::string& path) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_file(&image, path.c_str())) << path << image.message;
  image.format = PNG_FORMAT_RGB;
  Picture picture = {.width = static_cast<int>(image.width),
                     .height = static_cast<int>(image.height),
                     .rgb = std::vector<uint8_t>(PNG_IMAGE_SIZE(image))};
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, picture.rgb.data(), 0, nullptr));
  return picture;
}

class PlayTest : public ::testing::Test {
 protected:
  PlayTest() {
    WriteTask("inverted_pendulum", 4, 1);
    fs::create_directory(folder_ / "tools");
  }

  // A run of a built-in task with two members.
  void WriteTask(const std::string& name, int observations, int actions) const {
    const auto config =
        ParseExperiment(absl::StrCat("task { builtin: '", name,
                                     "' step_limit: 40 } trpo {} members { seeds: [4, 5] }"),
                        "test");
    ASSERT_TRUE(config.ok()) << config.status();
    const auto resolved = ResolveExperiment(*config);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    WriteFile(folder_ / "experiment.textproto", FormatExperiment(*resolved));
    fs::create_directory(folder_ / "policies");
    for (uint32_t number = 0; number < 2; ++number) {
      v1::TrainedMember member;
      *member.mutable_policy() = RandomPolicy(observations, actions, 1 + 0.1 * number, {-1});
      if (actions == 3) *member.mutable_policy() = RandomPolicy(observations, 3, 1, {-1, -1, -1});
      member.mutable_policy()->set_member(number);
      member.mutable_policy()->set_version(30);
      member.set_task(name);
      member.set_seed(4 + number);
      member.set_version("sr2l 0.1.7, LibTorch 1.13.1");
      WriteFile(folder_ / absl::StrCat("policies/member_00", number, ".member"),
                EncodeMemberFile(member));
    }
  }

  // `env VARIABLES... sr2l play FOLDER further`, in small.
  ProgramResult Play(const Arguments& further, const Arguments& variables = {}) const {
    Arguments arguments = {"/usr/bin/env"};
    arguments.insert(arguments.end(), variables.begin(), variables.end());
    arguments.insert(arguments.end(), {Binary("sr2l"), "play", folder_.path(), "--width",
                                       absl::StrCat(kWidth), "--height", absl::StrCat(kHeight)});
    arguments.insert(arguments.end(), further.begin(), further.end());
    return RunProgram(arguments);
  }

  // Whether this machine has OpenGL without a window. Where it has not, play says what to do.
  bool CanRender() const {
    const ProgramResult result = Play({"--steps", "1", "--out", folder_ / "probe"});
    if (result.exit_code == 0) return true;
    ExpectCannotRender(result);
    return false;
  }

  static void ExpectCannotRender(const ProgramResult& result) {
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    EXPECT_THAT(result.errors,
                AllOf(StartsWith("sr2l: this machine cannot render: it needs the packages libegl1"),
                      HasSubstr("libgl1-mesa-dri"), HasSubstr("libosmesa6")));
  }

  // Libraries of these names that no loader takes, for LD_LIBRARY_PATH.
  std::string Unloadable(const Arguments& names) const {
    for (const std::string& name : names) WriteFile(folder_ / ("tools/" + name), "");
    const char* const others = getenv("LD_LIBRARY_PATH");
    return absl::StrCat("LD_LIBRARY_PATH=", folder_ / "tools", ":",
                        others == nullptr ? "" : others);
  }

  // A program ffmpeg, for PATH.
  std::string Ffmpeg(const std::string& script) const {
    const std::string path = folder_ / "tools/ffmpeg";
    WriteFile(path, "#!/bin/sh\n" + script);
    fs::permissions(path, fs::perms::owner_all);
    return absl::StrCat("PATH=", folder_ / "tools", ":", getenv("PATH"));
  }

  std::string FramePath(const std::string& out, int number) const {
    return folder_ / absl::StrFormat("%s/frame_%06d.png", out, number);
  }

  int NumFrames(const std::string& out) const {
    int count = 0;
    while (fs::exists(FramePath(out, count))) ++count;
    return count;
  }

  std::string ErrorOf(const Arguments& further, int exit_code = 1) const {
    const ProgramResult result = Play(further);
    EXPECT_EQ(result.exit_code, exit_code) << result.output << result.errors;
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    return result.errors;
  }

  TemporaryFolder folder_;
};

#define SKIP_UNLESS_IT_RENDERS() \
  if (!CanRender()) GTEST_SKIP() << "this machine has neither EGL nor OSMesa"

// The pole is the only yellow thing; there is no floor in this task.
bool IsYellow(const uint8_t* rgb) {
  return rgb[0] > 60 && rgb[0] > 2 * rgb[2] && rgb[1] > 2 * rgb[2];
}

TEST_F(PlayTest, TheWholeRobotIsSeenAndMoves) {
  SKIP_UNLESS_IT_RENDERS();
  const ProgramResult result = Play({"--out", folder_ / "frames"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const int count = NumFrames("frames");
  ASSERT_GT(count, 5);
  std::set<std::vector<uint8_t>> different;
  for (int number = 0; number < count; ++number) {
    const Picture picture = ReadPng(FramePath("frames", number));
    ASSERT_EQ(picture.width, kWidth);
    ASSERT_EQ(picture.height, kHeight);
    int yellow = 0;
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        if (!IsYellow(picture.At(x, y))) continue;
        ++yellow;
        EXPECT_TRUE(x > 0 && x < kWidth - 1 && y > 0 && y < kHeight - 1) << number;
      }
    }
    EXPECT_GT(yellow, kWidth * kHeight / 100) << number;
    different.insert(picture.rgb);
  }
  EXPECT_EQ(different.size(), static_cast<size_t>(count));
}

TEST_F(PlayTest, FramesDependOnTheSeedAlone) {
  SKIP_UNLESS_IT_RENDERS();
  const auto play = [&](const std::string& out, const std::string& seed) {
    const ProgramResult result =
        Play({"--out", folder_ / out, "--seed", seed, "--steps", "6", "--actions", "mean"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    std::string bytes;
    for (int number = 0; number < 6; ++number) bytes += ReadFile(FramePath(out, number));
    return bytes;
  };
  EXPECT_EQ(play("a", "7"), play("b", "7"));
  EXPECT_NE(play("a", "7"), play("c", "8"));
}

// The pendulum is controlled 25 times a second, the hopper 125 times: one of three is shown.
TEST_F(PlayTest, AFrameIsTheStartAndEveryStepThatKeepsRealTime) {
  SKIP_UNLESS_IT_RENDERS();
  ProgramResult result = Play({"--out", folder_ / "frames", "--steps", "5"});
  EXPECT_EQ(NumFrames("frames"), 6);
  EXPECT_THAT(result.output, HasSubstr("\n6 frames, 25 a second: " + (folder_ / "frames") + "\n"));
  EXPECT_THAT(result.output, HasSubstr(" in 5 steps (cut short by --steps)\n"));

  WriteTask("hopper", 11, 3);
  result = Play({"--out", folder_ / "frames", "--steps", "8"});
  EXPECT_EQ(NumFrames("frames"), 3) << "steps 0, 3 and 6, without those of the recording before";
  EXPECT_THAT(result.output, HasSubstr("\n3 frames, 41.67 a second: "));
}

TEST_F(PlayTest, TheEpisodeIsTheOneThatEvaluateMeasures) {
  SKIP_UNLESS_IT_RENDERS();
  const std::vector<Arguments> cases = {
      {"--seed", "9"},
      {"--seed", "9", "--actions", "mean", "--member", "1"},
      {"--seed", "3", "--disturbance", "random", "--radius", "0.2"},
      {"--seed", "3", "--disturbance", "adversarial", "--radius", "0.2"},
  };
  for (const Arguments& episode : cases) {
    Arguments evaluate = episode;
    evaluate.insert(evaluate.end(), {"--episodes", "1"});
    std::vector<Row> rows = Parse(Csv(folder_.path(), evaluate));
    const std::string member = episode.back() == "1" ? "1" : "0";
    const bool is_disturbed = episode.size() > 3 && episode[2] == "--disturbance";
    const std::string disturbance = is_disturbed ? episode[3] : "none";
    std::erase_if(rows, [&](const Row& row) {
      return row.at("member") != member || row.at("disturbance") != disturbance;
    });
    ASSERT_EQ(rows.size(), 1u);
    Arguments play = episode;
    play.insert(play.end(), {"--out", folder_ / "frames"});
    const ProgramResult result = Play(play);
    EXPECT_THAT(result.output,
                HasSubstr(absl::StrCat("member ", member, ", policy 30, episode 0: return ",
                                       rows.at(0).at("return_mean"), " in ",
                                       rows.at(0).at("length_mean"), " steps ")));
  }
}

TEST_F(PlayTest, AModelsOwnCameraSeesAnotherPicture) {
  SKIP_UNLESS_IT_RENDERS();
  EXPECT_EQ(Play({"--out", folder_ / "own", "--steps", "1", "--camera", "track"}).exit_code, 0);
  EXPECT_NE(ReadPng(FramePath("own", 0)).rgb, ReadPng(FramePath("probe", 0)).rgb);
}

// The stand-in keeps what it is sent: every frame's bytes, the upper row first.
TEST_F(PlayTest, AVideoIsTheSameFramesSentToFfmpeg) {
  SKIP_UNLESS_IT_RENDERS();
  const std::string path = Ffmpeg("printf '%s ' \"$@\" >" + (folder_ / "arguments") +
                                  "\nfor last; do :; done\nexec cat >\"${last#file:}\"\n");
  const std::string video = folder_ / "film.mp4";
  const ProgramResult result = Play({"--steps", "4", "--out", video}, {path});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(ReadFile(folder_ / "arguments"),
              AllOf(HasSubstr("-f rawvideo -pix_fmt rgb24 -video_size 97x64 -framerate 25 "),
                    EndsWith("file:" + (folder_ / "film.partial.mp4") + " ")));
  ASSERT_EQ(Play({"--steps", "4", "--out", folder_ / "frames"}).exit_code, 0);
  std::string sent;
  for (int number = 0; number < 5; ++number) {
    const Picture picture = ReadPng(FramePath("frames", number));
    sent.append(picture.rgb.begin(), picture.rgb.end());
  }
  EXPECT_EQ(ReadFile(video), sent);
  EXPECT_FALSE(fs::exists(folder_ / "film.partial.mp4"));

  // Without --out it is the run's own.
  EXPECT_EQ(Play({"--steps", "1"}, {path}).exit_code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "play/member_000.mp4"));
}

TEST_F(PlayTest, WhatFfmpegSaysWhenItFailsIsTheError) {
  SKIP_UNLESS_IT_RENDERS();
  for (const char* before : {"", "cat >/dev/null\n"}) {
    const std::string path =
        Ffmpeg(absl::StrCat(before, "echo 'no encoder' >&2\necho 'alas' >&2\nexit 3\n"));
    const ProgramResult result = Play({"--out", folder_ / "film.webm"}, {path});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors,
                HasSubstr("film.webm: ffmpeg exited with status 3: no encoder; alas"));
    EXPECT_FALSE(fs::exists(folder_ / "film.webm"));
    EXPECT_FALSE(fs::exists(folder_ / "film.partial.webm"));
  }
}

TEST_F(PlayTest, FfmpegMakesAVideoThatItCanRead) {
  SKIP_UNLESS_IT_RENDERS();
  if (RunProgram({"/usr/bin/env", "ffmpeg", "-version"}).exit_code != 0) {
    GTEST_SKIP() << "this machine has no ffmpeg";
  }
  for (const char* name : {"film.mp4", "film.webm"}) {
    const ProgramResult result = Play({"--steps", "5", "--out", folder_ / name});
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    const ProgramResult read =
        RunProgram({"/usr/bin/env", "ffmpeg", "-v", "error", "-i", folder_ / name, "-f", "rawvideo",
                    "-pix_fmt", "gray", folder_ / absl::StrCat(name, ".raw")});
    ASSERT_EQ(read.exit_code, 0) << read.errors;
    EXPECT_EQ(fs::file_size(folder_ / absl::StrCat(name, ".raw")), 6u * (kWidth + 1) * kHeight);
  }
}

TEST_F(PlayTest, WithoutEglItIsDrawnByOsmesa) {
  SKIP_UNLESS_IT_RENDERS();
  const ProgramResult result =
      Play({"--steps", "1", "--out", folder_ / "frames"}, {Unloadable({"libEGL.so.1"})});
  if (result.exit_code != 0) {
    ExpectCannotRender(result);
    GTEST_SKIP() << "this machine has no OSMesa";
  }
  const Picture picture = ReadPng(FramePath("frames", 0));
  int yellow = 0;
  for (int i = 0; i < kWidth * kHeight; ++i) yellow += IsYellow(picture.At(i % kWidth, i / kWidth));
  EXPECT_GT(yellow, kWidth * kHeight / 100);
}

// ---- Bad input ------------------------------------------------------------------------

TEST_F(PlayTest, AMachineThatCannotRenderIsToldWhichPackagesAreMissing) {
  ExpectCannotRender(
      Play({"--out", folder_ / "frames"},
           {Unloadable({"libEGL.so.1", "libOSMesa.so", "libOSMesa.so.6", "libOSMesa.so.8"})}));
  EXPECT_FALSE(fs::exists(folder_ / "frames"));
}

TEST_F(PlayTest, AVideoWithoutFfmpegIsAnErrorBeforeTheWork) {
  const ProgramResult result = Play({"--out", folder_ / "film.mp4"}, {"PATH=/nowhere"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors,
            "sr2l: a video needs the package ffmpeg; a folder as --out takes PNG frames without "
            "it\n");
}

TEST_F(PlayTest, AMissingRunOrMemberIsAnError) {
  EXPECT_EQ(Sr2l({"play", folder_ / "nowhere"}).errors,
            "sr2l: there is no run's folder " + (folder_ / "nowhere") + "\n");
  EXPECT_THAT(ErrorOf({"--member", "2"}),
              HasSubstr("--member must be in [0, 1], the run's members; got 2"));
  EXPECT_THAT(ErrorOf({"--policy", "11"}), HasSubstr("--policy must be final or a version"));
  fs::remove(folder_ / "policies/member_001.member");
  EXPECT_THAT(ErrorOf({"--member", "1"}), HasSubstr("member 1 has no policy yet"));
}

TEST_F(PlayTest, APolicyThatIsNotTheTasksIsAnError) {
  WriteTask("hopper", 4, 1);
  EXPECT_THAT(ErrorOf({}), HasSubstr("must have 11 observations and 3 actions, as the task hopper has"));
}

TEST_F(PlayTest, AnUnknownCameraIsAnErrorThatNamesThoseThereAre) {
  EXPECT_THAT(ErrorOf({"--camera", "drone"}),
              HasSubstr("--camera must be one of the model's cameras (track), got \"drone\""));
}

TEST_F(PlayTest, ARecordingThatCannotBeWrittenIsAnErrorThatNamesIt) {
  EXPECT_THAT(ErrorOf({"--out", folder_ / "film.avi"}),
              HasSubstr("--out must be a file .mp4 or .webm, or a folder for PNG frames"));
  EXPECT_THAT(ErrorOf({"--out", folder_ / "nowhere/film.mp4"}),
              HasSubstr("--out must be in a folder that exists"));
  WriteFile(folder_ / "file", "");
  EXPECT_THAT(ErrorOf({"--out", folder_ / "file"}),
              HasSubstr("--out must be a folder or a video, " + (folder_ / "file") + " is a file"));
}

TEST_F(PlayTest, WrongFlagsAreWrongUsage) {
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{"--width", "15"}, "--width: must be a whole number in [16, 4096], got 15"},
      {{"--height", "4097"}, "--height: must be a whole number in [16, 4096], got 4097"},
      {{"--steps", "0"}, "--steps: must be a whole number in [1, 1000000000], got 0"},
      {{"--seed", "abc"},
       "--seed: must be a whole number in [0, 18446744073709551615], got abc"},
      {{"--seed", "-1"}, "--seed: must be a whole number in [0, 18446744073709551615], got -1"},
      {{"--episode", "-1"}, "--episode: must be a whole number in [0, 4294967295], got -1"},
      {{"--member", "x"}, "--member: must be a whole number in [0, 4294967295], got x"},
      {{"--radius", "-1"}, "--radius: must be in [0, 1000], got -1"},
      {{"--disturbance", "mild"}, "--disturbance: mild not in {none,random,adversarial}"},
      {{"--policy", "last"}, "--policy: must be final or a version, got last"},
      {{"--cammera", "track"}, "unknown flag --cammera; did you mean --camera?"},
  };
  for (const auto& [arguments, message] : cases) {
    Arguments all = {"play", folder_.path()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const ProgramResult result = Sr2l(all);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.errors, AllOf(StartsWith("sr2l play: "), HasSubstr(message)));
  }
}

}  // namespace
}  // namespace sr2l
