/*
 * Label maps for tools/bench score, and the yardstick for reading them: OpenCV in a loop.
 *
 *     mask_files make DIR PAIRS         DIR/truth and DIR/pred (both there already), 683 x 512, 150 classes
 *     mask_files decode THREADS DIR...  reads every file in the folders, does nothing with them; prints
 *                                       their number, the seconds it took and the peak memory in MiB
 *
 * Truth is 0 for "other", 1 to 150; predictions are 0 to 149.  Areas with ragged borders, a dozen classes
 * a picture.  Truth is compressed as libpng does by itself, predictions as OpenCV does.
 */
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <dirent.h>
#include <sys/resource.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

namespace
{

constexpr int width = 683, height = 512, areas = 24, classes = 150;

/* splitmix64 */
uint64_t draw(uint64_t &state)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

struct area {
    int x, y, label;
};

/* Each pixel has the label of the nearest centre; `ragged` is by how much borders fray. */
cv::Mat paint(const std::vector<area> &centres, uint64_t seed, int ragged)
{
    cv::Mat map(height, width, CV_8UC1);
    for (int y = 0; y < height; y++) {
        int shift = 0;
        for (int x = 0; x < width; x++) {
            if (draw(seed) % 4 == 0)
                shift = static_cast<int>(draw(seed) % (2 * ragged + 1)) - ragged;
            int best = INT32_MAX, label = 0;
            for (const area &a : centres) {
                const int dx = x + shift - a.x, dy = y - a.y, distance = dx * dx + dy * dy;
                if (distance < best) {
                    best = distance;
                    label = a.label;
                }
            }
            map.at<uint8_t>(y, x) = static_cast<uint8_t>(label);
        }
    }
    return map;
}

/* A picture's truth, and a prediction that has moved a little and is wrong in two areas. */
bool make_pair(const std::string &dir, int index)
{
    uint64_t seed = static_cast<uint64_t>(index) * 1000 + 1;
    std::vector<area> centres;
    int kinds[12];
    for (int &kind : kinds)
        kind = static_cast<int>(draw(seed) % (classes + 1));
    for (int i = 0; i < areas; i++) {
        const int x = static_cast<int>(draw(seed) % width),
                  y = static_cast<int>(draw(seed) % height);
        centres.push_back({x, y, kinds[draw(seed) % 12]});
    }
    char name[32];
    std::snprintf(name, sizeof name, "/val_%06d.png", index);
    const cv::Mat truth = paint(centres, seed, 1);
    for (area &a : centres) {
        a.x += 2;
        a.label = a.label ? a.label - 1 : kinds[0] % classes;
    }
    centres[0].label = (centres[0].label + 1) % classes;
    const cv::Mat pred = paint(centres, seed + 1, 2);
    const std::vector<int> as_libpng = {cv::IMWRITE_PNG_COMPRESSION, 6, cv::IMWRITE_PNG_STRATEGY,
                                        cv::IMWRITE_PNG_STRATEGY_DEFAULT};
    return cv::imwrite(dir + "/truth" + name, truth, as_libpng) &&
           cv::imwrite(dir + "/pred" + name, pred);
}

/* Calls work(i) for i in 0..count-1; false when one of them was. */
template <class Work> bool spread(int threads, int count, Work work)
{
    std::atomic<int> next{0};
    std::atomic<bool> sound{true};
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; t++)
        pool.emplace_back([&] {
            for (int i = next++; i < count; i = next++)
                if (!work(i))
                    sound = false;
        });
    for (std::thread &thread : pool)
        thread.join();
    return sound;
}

int decode(int threads, const std::vector<std::string> &files)
{
    const auto start = std::chrono::steady_clock::now();
    const bool sound = spread(threads, static_cast<int>(files.size()), [&](int i) {
        return !cv::imread(files[static_cast<size_t>(i)], cv::IMREAD_UNCHANGED).empty();
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    std::printf("%zu %.4f %.1f\n", files.size(), seconds.count(),
                static_cast<double>(usage.ru_maxrss) / 1024);
    return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main(int argc, char **argv)
{
    cv::setNumThreads(1); /* the threads are our own */
    if (argc == 4 && std::strcmp(argv[1], "make") == 0) {
        const std::string dir = argv[2];
        const bool made = spread(static_cast<int>(std::thread::hardware_concurrency()),
                                 std::atoi(argv[3]), [&](int i) { return make_pair(dir, i); });
        return made ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (argc >= 4 && std::strcmp(argv[1], "decode") == 0) {
        std::vector<std::string> files;
        for (int i = 3; i < argc; i++) {
            DIR *dir = opendir(argv[i]);
            while (const dirent *entry = dir ? readdir(dir) : nullptr)
                if (entry->d_name[0] != '.')
                    files.push_back(std::string(argv[i]) + "/" + entry->d_name);
            if (dir)
                closedir(dir);
        }
        return decode(std::atoi(argv[2]), files);
    }
    std::fprintf(stderr, "mask_files: usage is at the top of mask_files.cpp\n");
    return 2;
}
